// What does a second node add? Everybody who writes is on the first; the second one only
// receives. Its members are compared with the first one's in the same seconds, which is what
// Redis and the other node's work add, and with a node that has the processor to itself.
import { median, readable } from '../../harness/numbers.mjs';

export const name = 'second';
export const title = 'A second node';
export const steps = 2;

const RATE = 1000;
const P50_MS_MAX = 1;
const P99_MS_MAX = 3;
const CPU_RATIO_MAX = 1.2;

export async function run(bench) {
    const members = bench.sizes.people / 2;
    const options = { people: bench.worlds.people('hall'), publishers: members, rate: RATE };

    bench.progress.step(`${RATE} messages/s to ${members}: one node`);
    const one = await bench.withNodes(1, (nodes) => bench.load(nodes, { ...options, members }));
    bench.progress.step(`${RATE} messages/s to ${members} each: two nodes`);
    const two = await bench.withNodes(2, (nodes) =>
        bench.load(nodes, { ...options, members: 2 * members }),
    );
    return { one, two };
}

const added = (rounds, from, quantile) =>
    rounds.map((round) => round.two.nodes[1].delivery_ms[quantile] - from(round).delivery_ms[quantile]);

export function figures(rounds, { people }) {
    const half = people / 2;
    const rate = RATE.toLocaleString('en-US');
    const first = (round) => round.two.nodes[0];
    const alone = (round) => round.one.nodes[0];
    const row = (what, from, quantile, atMost) => ({
        what: `Added ${quantile} of delivery on the second node, ${what}`,
        unit: 'ms',
        values: added(rounds, from, quantile),
        target: { atMost },
    });
    return [
        row(`${rate} messages/s to ${half} members on each, beside the first in the same seconds`, first, 'p50', P50_MS_MAX),
        row('beside the first in the same seconds', first, 'p99', P99_MS_MAX),
        row(`beside one node alone with ${half} (two nodes share its core)`, alone, 'p50', P50_MS_MAX),
        row(`beside one node alone with ${half} (two nodes share its core)`, alone, 'p99', P99_MS_MAX),
        {
            what: 'CPU per delivery of the node that receives',
            unit: 'µs',
            values: rounds.map(({ two }) => two.nodes[1].cpu_us_per_delivery),
            beside: { name: 'one node alone', values: rounds.map(({ one }) => one.nodes[0].cpu_us_per_delivery) },
            target: { ratioAtMost: CPU_RATIO_MAX },
        },
    ];
}

export function table(rounds) {
    const of = (pick) => readable(median(rounds.map(pick)));
    const row = (label, node) => [
        label,
        of((round) => node(round).delivered_per_s),
        of((round) => node(round).cpu_us_per_delivery),
        of((round) => node(round).delivery_ms.p50),
        of((round) => node(round).delivery_ms.p99),
    ];
    return {
        head: ['Node', 'deliveries/s', 'µs CPU a delivery', 'p50 ms', 'p99 ms'],
        rows: [
            row('one alone', ({ one }) => one.nodes[0]),
            row('the first of two, which commits and publishes', ({ two }) => two.nodes[0]),
            row('the second of two, which only receives', ({ two }) => two.nodes[1]),
        ],
    };
}
