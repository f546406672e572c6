// Everybody writes into one channel: all through one node, and dealt out to three; and as many as
// each of the three has through one node that is alone.
import { median, readable } from '../../harness/numbers.mjs';

export const name = 'writers';
export const title = 'Several nodes write into one channel';
export const steps = 3;

const WINDOW = 10;
const NODES = 3;
const LONGEST_MS_MAX = 1000;

export async function run(bench) {
    const members = bench.sizes.writers;
    const options = {
        people: bench.worlds.people('writers'),
        members,
        publishers: members,
        window: WINDOW,
    };
    bench.progress.step(`${members} write into one channel: one node`);
    const one = await bench.withNodes(1, (nodes) => bench.load(nodes, options));
    const few = Math.floor(members / NODES);
    bench.progress.step(`${few} write into one channel: one node`);
    const third = await bench.withNodes(1, (nodes) =>
        bench.load(nodes, { ...options, members: few, publishers: few }),
    );
    bench.progress.step(`${members} write into one channel: ${NODES} nodes`);
    const three = await bench.withNodes(NODES, (nodes) => bench.load(nodes, options));
    return { one, third, three };
}

export function figures(rounds, { writers }) {
    return [
        {
            what: `Acked sends/s into one channel through three nodes, ${writers} connections with ${WINDOW} in flight`,
            unit: '/s',
            values: rounds.map(({ three }) => three.answered_per_s),
            beside: { name: 'one node with all of them', values: rounds.map(({ one }) => one.answered_per_s) },
            target: { ratioAtLeast: 1 },
        },
        {
            what: `– beside one of these nodes alone with its ${Math.floor(writers / NODES)}`,
            unit: '/s',
            values: rounds.map(({ three }) => three.answered_per_s),
            beside: { name: 'one node with a third', values: rounds.map(({ third }) => third.answered_per_s) },
            target: { ratioAtLeast: 1 },
        },
        {
            what: 'The longest that any of them waited for its ack',
            unit: 'ms',
            values: rounds.map(({ three }) => three.answer_ms.max),
            target: { atMost: LONGEST_MS_MAX },
        },
        {
            what: 'Sends that were refused, because their node lost every race for a second',
            unit: '',
            values: rounds.map(({ three }) => three.refused),
            target: { atMost: 0 },
        },
    ];
}

export function table(rounds) {
    const row = (label, pick) => [
        label,
        ...[
            (run) => run.answered_per_s,
            (run) => run.answer_ms.p50,
            (run) => run.answer_ms.p99,
            (run) => run.answer_ms.max,
            (run) => run.server_cpu,
            (run) => run.services.gateway + run.services.database,
        ].map((figure) => readable(median(rounds.map((round) => figure(pick(round)))))),
    ];
    return {
        head: ['Through', 'acked/s', 'p50 ms', 'p99 ms', 'longest ms', 'cores: nodes', 'database'],
        rows: [
            row('one node, all writers', ({ one }) => one),
            row('one node, a third of them', ({ third }) => third),
            row('three nodes, a third each', ({ three }) => three),
        ],
    };
}
