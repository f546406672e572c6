// The same figures from 10 members to 10,000, and for many small channels: cost must grow
// with the work and with nothing else.
import { median, readable } from '../harness/numbers.mjs';

export const name = 'scaling';
export const title = 'Cost and size';

const DELIVERIES_PER_S = 300_000;
const RATE_MAX = 1000;
const TIMES = { warm: 1, seconds: 2.5 }; // many runs: shorter ones than elsewhere

export const steps = 2 * 4 + 1;

const hallOf = (members, people) => (members < people ? `hall-${members}` : 'hall');

export async function run(bench) {
    const { scaling, people } = bench.sizes;
    const sizes = [];
    for (const members of scaling) {
        const rate = Math.min(RATE_MAX, DELIVERIES_PER_S / members);
        const publishers = Math.min(members, 100);
        const options = { members, publishers, rate, sources: 16, ...TIMES };
        bench.progress.step(`scaling, ${members} members: Parley`);
        const parley = await bench.parley(hallOf(members, people), options);
        bench.progress.step(`scaling, ${members} members: bare epoll`);
        const bytes = Math.round(parley.bytes_per_delivery);
        const limit = await bench.limit({ ...options, 'text-bytes': bytes });
        sizes.push({ label: `one channel of ${members.toLocaleString('en-US')}`, parley, limit });
    }
    bench.progress.step(`scaling, ${people} channels of 10: Parley`);
    const parley = await bench.parley('rings', {
        members: people,
        publishers: people,
        fanout: 10,
        rate: RATE_MAX,
        ...TIMES,
    });
    sizes.push({ label: `${people.toLocaleString('en-US')} channels of 10`, parley });
    return { sizes };
}

// No targets, but a table: a line a size.
export function figures() {
    return [];
}

export function table(rounds) {
    const sizes = rounds[0].sizes.map(({ label }, i) => {
        const of = (server, pick) =>
            median(rounds.map(({ sizes: all }) => (all[i][server] ? pick(all[i][server]) : NaN)));
        const cells = (server) => [
            of(server, (run) => run.cpu_us_per_request),
            of(server, (run) => run.cpu_us_per_delivery),
            of(server, (run) => run.delivery_ms.p50),
            of(server, (run) => run.delivery_ms.p99),
        ];
        return [label, of('parley', (run) => run.sent_per_s), ...cells('parley'), ...cells('limit')];
    });
    return {
        head: [
            'Shape',
            'messages/s',
            'Parley: µs CPU a message',
            'a delivery',
            'p50 ms',
            'p99 ms',
            'bare epoll: µs CPU a message',
            'a delivery',
            'p50 ms',
            'p99 ms',
        ],
        rows: sizes.map(([label, ...numbers]) => [label, ...numbers.map(readable)]),
    };
}
