// One channel of all people, a steady stream of messages: what does a delivery cost?
export const name = 'fanout';
export const title = 'Fan-out at a steady rate';
export const steps = 2;

const RATE = 1000;
export const CPU_RATIO_MAX = 1.2;
export const CPU_US_MAX = 1.2; // uWebSockets at 0.77 M deliveries/s

export async function run(bench) {
    const members = bench.sizes.people;
    const options = { members, publishers: members, rate: RATE };

    bench.progress.step(`fan-out, ${RATE} messages/s to ${members}: Parley`);
    const parley = await bench.parley('hall', options);
    bench.progress.step(`fan-out, ${RATE} messages/s to ${members}: bare epoll`);
    // Frames as large as Parley's events, so that both move the same bytes.
    const bytes = Math.round(parley.bytes_per_delivery);
    const limit = await bench.limit({ ...options, 'text-bytes': bytes });
    return { parley, limit };
}

export function figures(rounds, { members }) {
    const cpu = rounds.map(({ parley }) => parley.cpu_us_per_delivery);
    const limit = rounds.map(({ limit }) => limit.cpu_us_per_delivery);
    return [
        {
            what: `CPU per delivery, ${RATE.toLocaleString('en-US')} messages/s to ${members} members`,
            unit: 'µs',
            values: cpu,
            target: { atMost: CPU_US_MAX, why: 'uWebSockets' },
        },
        {
            what: '– beside bare epoll with joined frames, same bytes',
            unit: 'µs',
            values: cpu,
            beside: { name: 'bare epoll', values: limit },
            target: { ratioAtMost: CPU_RATIO_MAX },
        },
    ];
}
