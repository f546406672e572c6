// A database with a long history: how long does it take to start, and to open a channel?
export const name = 'history';
export const title = 'A long history';
export const steps = 1;

const RATE = 1000;
const P99_MS_MAX = 5;
const START_S_MAX = 0.5;

export async function run(bench) {
    const members = bench.sizes.soloists;
    bench.progress.step(`history of ${bench.sizes.messages} messages`);
    return bench.withParleyOn(await bench.worlds.get('history'), async (parley) => {
        const readyNs = await parley.ready();
        const reads = await bench.load(parley, {
            dialect: 'parley-history',
            people: bench.worlds.people('teams'),
            members,
            publishers: members,
            rate: RATE,
        });
        const { startedNs } = parley.server;
        return { reads, startSeconds: Number(readyNs - startedNs) / 1e9 };
    });
}

export function figures(rounds, { messages }) {
    const stored = `${messages.toLocaleString('en-US')} messages stored`;
    return [
        {
            what: `p99 of opening a channel (last 50), ${RATE.toLocaleString('en-US')}/s, ${stored}`,
            unit: 'ms',
            values: rounds.map(({ reads }) => reads.answer_ms.p99),
            target: { atMost: P99_MS_MAX },
        },
        {
            what: `Start until ready, ${stored}`,
            unit: 's',
            values: rounds.map(({ startSeconds }) => startSeconds),
            target: { atMost: START_S_MAX },
        },
    ];
}
