// Opening a channel of a long history.
export const name = 'history';
export const title = 'Opening a channel';
export const world = 'history';
export const steps = 1;

const RATE = 100;
const COLD_P99_MS_MAX = 20;

export async function run(bench) {
    const members = bench.sizes.soloists;
    const options = {
        dialect: 'parley-history',
        people: bench.worlds.people('teams'),
        members,
        publishers: members,
    };
    bench.progress.step(`opening channels, ${RATE}/s, from the database`);
    const cold = await bench.withNodes(1, (nodes) => bench.load(nodes, { ...options, rate: RATE }));
    return { cold };
}

export function figures(rounds, { messages }) {
    return [
        {
            what: `p99 of opening a channel (last 50) from the database, ${RATE}/s, ${messages.toLocaleString('en-US')} messages stored`,
            unit: 'ms',
            values: rounds.map(({ cold }) => cold.answer_ms.p99),
            target: { atMost: COLD_P99_MS_MAX },
        },
    ];
}
