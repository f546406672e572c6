// One channel of all people who long-poll: senders that never wait longer than they must.
import { median, readable } from '../../harness/numbers.mjs';

export const name = 'polling';
export const title = 'Long-polling members';
export const steps = 2;

const PUBLISHERS = 100;
const WINDOW = 5;
const RATIO_MIN = 3;

export async function run(bench) {
    const members = bench.sizes.people;
    const options = {
        members,
        publishers: Math.min(PUBLISHERS, members),
        window: WINDOW,
        'own-delivery': true,
    };
    bench.progress.step(`${members} members who poll: Parley`);
    const parley = await bench.parley('hall', { ...options, dialect: 'parley-socketio-polling' });
    bench.progress.step(`${members} members who poll: Socket.IO`);
    const socketio = await bench.socketio(options, { transport: 'polling' });
    return { parley, socketio };
}

export function figures(rounds, { members }) {
    const of = (server) => rounds.map((round) => round[server].delivered_per_s);
    return [
        {
            what: `Deliveries/s to ${members} long-polling members`,
            unit: '/s',
            values: of('parley'),
            beside: { name: 'Socket.IO', values: of('socketio') },
            target: { ratioAtLeast: RATIO_MIN },
        },
    ];
}

export function table(rounds) {
    const rows = ['parley', 'socketio'].map((server) => {
        const of = (pick) => readable(median(rounds.map((round) => pick(round[server]))));
        return [
            server === 'parley' ? 'Parley' : 'Socket.IO',
            of((run) => run.delivered_per_s),
            of((run) => run.cpu_us_per_delivery),
            of((run) => run.delivery_ms.p50),
            of((run) => run.delivery_ms.p99),
            of((run) => run.server_cpu),
            of((run) => run.load_cpu),
        ];
    });
    return {
        head: ['Server', 'deliveries/s', 'µs a delivery', 'p50 ms', 'p99 ms', 'cores: server', 'load generator'],
        rows,
    };
}
