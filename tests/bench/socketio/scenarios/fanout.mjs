// One channel of all people. Over /socket.io/ and over /ws: what does a delivery cost? Beside
// Socket.IO, each sending as fast as it can, and at a rate that Socket.IO can bear.
import { median, readable } from '../../harness/numbers.mjs';

export const name = 'fanout';
export const title = 'Fan-out to WebSocket members';
export const steps = 7;

const RATE = 1000;
const EASY_RATE = 30; // messages/s that Socket.IO delivers to 1,000 members with time to spare
const PUBLISHERS = 100;
const WINDOW = 5;
const OWN_RATIO_MAX = 1.3;
const PEER_RATIO_MAX = 1 / 12;

const SERVERS = { parley: 'Parley, /socket.io/', ws: 'Parley, /ws', socketio: 'Socket.IO' };

export async function run(bench) {
    const members = bench.sizes.people;
    const publishers = Math.min(PUBLISHERS, members);
    const on = {
        parley: (options) => bench.parley('hall', { ...options, dialect: 'parley-socketio' }),
        ws: (options) => bench.parley('hall', options),
        socketio: (options) => bench.socketio(options),
    };
    const measure = async (label, servers, options) => {
        const results = {};
        for (const server of servers) {
            bench.progress.step(`${label}: ${SERVERS[server]}`);
            results[server] = await on[server]({ members, ...options });
        }
        return results;
    };
    return {
        steady: await measure(`${RATE} messages/s to ${members}`, ['parley', 'ws'], { publishers: members, rate: RATE }),
        easy: await measure(`${EASY_RATE} messages/s`, ['parley', 'socketio'], { publishers: members, rate: EASY_RATE }),
        most: await measure('saturation', ['parley', 'ws', 'socketio'], {
            publishers,
            window: WINDOW,
            'own-delivery': true,
        }),
    };
}

const costs = (rounds, load, server) => rounds.map((round) => round[load][server].cpu_us_per_delivery);

export function figures(rounds, { members }) {
    return [
        {
            what: `CPU per delivery, ${RATE.toLocaleString('en-US')} messages/s to ${members} members`,
            unit: 'µs',
            values: costs(rounds, 'steady', 'parley'),
            beside: { name: "Parley's /ws", values: costs(rounds, 'steady', 'ws') },
            target: { ratioAtMost: OWN_RATIO_MAX },
        },
        {
            what: `CPU per delivery at saturation, ${members} members`,
            unit: 'µs',
            values: costs(rounds, 'most', 'parley'),
            beside: { name: 'Socket.IO', values: costs(rounds, 'most', 'socketio') },
            target: { ratioAtMost: PEER_RATIO_MAX },
        },
    ];
}

const LOADS = { steady: `${readable(RATE)} messages/s`, easy: `${EASY_RATE} messages/s`, most: 'saturation' };

export function table(rounds) {
    const rows = Object.keys(LOADS).flatMap((load) =>
        Object.keys(rounds[0][load]).map((server) => {
            const of = (pick) => readable(median(rounds.map((round) => pick(round[load][server]))));
            return [
                SERVERS[server],
                LOADS[load],
                of((run) => run.delivered_per_s),
                of((run) => run.cpu_us_per_delivery),
                of((run) => run.bytes_per_delivery),
                of((run) => run.delivery_ms.p50),
                of((run) => run.delivery_ms.p99),
                of((run) => run.server_cpu),
            ];
        }),
    );
    return {
        head: ['Server', 'load', 'deliveries/s', 'µs a delivery', 'bytes each', 'p50 ms', 'p99 ms', 'cores: server'],
        rows,
    };
}
