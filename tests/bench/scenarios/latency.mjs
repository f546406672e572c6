// One channel of all people at 300 messages/s: how long until a message is everywhere?
export const name = 'latency';
export const title = 'Delivery latency';
export const steps = 2;

const RATE = 300;
const RATIO_MAX = 1.2;

export async function run(bench) {
    const members = bench.sizes.people;
    const options = { members, publishers: members, rate: RATE };

    bench.progress.step(`latency, ${RATE} messages/s to ${members}: Parley`);
    const parley = await bench.parley('hall', options);
    bench.progress.step(`latency, ${RATE} messages/s to ${members}: bare epoll`);
    const bytes = Math.round(parley.bytes_per_delivery);
    const limit = await bench.limit({ ...options, 'text-bytes': bytes });
    return { parley, limit };
}

export function figures(rounds, { members }) {
    return [
        {
            what: `p99 from send to delivery, ${RATE} messages/s to ${members} members`,
            unit: 'ms',
            values: rounds.map(({ parley }) => parley.delivery_ms.p99),
            beside: { name: 'bare epoll', values: rounds.map(({ limit }) => limit.delivery_ms.p99) },
            target: { ratioAtMost: RATIO_MAX },
        },
    ];
}
