// Durable sends, and the same of the peer: Express, Socket.IO, its Redis adapter and one insert
// a message, on the same Redis and the same database.
import { median, readable } from '../../harness/numbers.mjs';
import { TEAM } from '../../harness/worlds.mjs';

export const name = 'sends';
export const title = 'Durable sends';
export const steps = 5;

const CONNECTIONS = 20;
const WINDOW = 10;
const WINDOWS = [1, WINDOW];
const PEER_RATIO_MIN = 5;
const ACK_P99_MS_MAX = 15;

export async function run(bench) {
    const options = {
        people: bench.worlds.people('teams'),
        members: CONNECTIONS,
        publishers: CONNECTIONS,
        fanout: TEAM,
    };
    const peerOptions = { ...options, people: undefined, dialect: 'socketio-store' };
    const most = [];
    for (const window of WINDOWS) {
        bench.progress.step(`durable sends, ${window} in flight each: Parley`);
        const parley = await bench.withNodes(1, (nodes) => bench.load(nodes, { ...options, window }));
        bench.progress.step(`durable sends, ${window} in flight each: Socket.IO`);
        const peer = await bench.withPeer((nodes) => bench.load(nodes, { ...peerOptions, window }));
        most.push({ window, parley, peer });
    }
    const rate = Math.round(most.at(-1).parley.answered_per_s / 2);
    bench.progress.step(`durable sends at half of that, ${rate}/s`);
    const half = await bench.withNodes(1, (nodes) => bench.load(nodes, { ...options, rate }));
    return { most, half };
}

export function figures(rounds) {
    const best = (server) => rounds.map(({ most }) => most.at(-1)[server].answered_per_s);
    const half = median(rounds.map((round) => round.half.sent_per_s));
    return [
        {
            what: `Acked sends/s, ${CONNECTIONS} connections with ${WINDOW} in flight, ${CONNECTIONS / TEAM} channels of ${TEAM}`,
            unit: '/s',
            values: best('parley'),
            beside: { name: 'Socket.IO', values: best('peer') },
            target: { ratioAtLeast: PEER_RATIO_MIN },
        },
        {
            what: `p99 from send to ack at half of that (${readable(half)}/s)`,
            unit: 'ms',
            values: rounds.map((round) => round.half.answer_ms.p99),
            target: { atMost: ACK_P99_MS_MAX },
        },
    ];
}

export function table(rounds) {
    const rows = WINDOWS.flatMap((window, i) =>
        ['parley', 'peer'].map((server) => {
            const of = (pick) => readable(median(rounds.map(({ most }) => pick(most[i][server]))));
            return [
                server === 'parley' ? 'Parley' : 'Socket.IO',
                String(window),
                of((run) => run.answered_per_s),
                of((run) => run.answer_ms.p50),
                of((run) => run.answer_ms.p99),
                of((run) => run.server_cpu),
                of((run) => run.services.gateway + run.services.database),
                of((run) => run.services.redis),
            ];
        }),
    );
    return {
        head: ['Server', 'in flight each', 'acked/s', 'p50 ms', 'p99 ms', 'cores: server', 'database', 'Redis'],
        rows,
    };
}
