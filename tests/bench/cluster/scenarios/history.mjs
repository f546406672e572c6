// Opening a channel of a long history: from the database, and from what Redis keeps of it.
import { median, readable } from '../../harness/numbers.mjs';

export const name = 'history';
export const title = 'Opening a channel';
export const world = 'history';
export const steps = 2;

const RATE = 100;
const COLD_P99_MS_MAX = 20;
const WARM_P99_MS_MAX = 3;

// For two seconds a new node asks the database for the names of authors.
const WARM_UP_S = 4;

// What became of the questions to the cache until now.
async function cacheAnswers(node) {
    const metrics = [...(await node.metrics())].filter(([name]) => name.startsWith('parley_cache_history_total'));
    const asked = metrics.reduce((sum, [, value]) => sum + value, 0);
    const hits = metrics.find(([name]) => name.includes('"hit"'))?.[1] ?? 0;
    return { asked, hits };
}

export async function run(bench) {
    const members = bench.sizes.soloists;
    const options = {
        dialect: 'parley-history',
        people: bench.worlds.people('teams'),
        members,
        publishers: members,
        rate: RATE,
    };
    bench.progress.step(`opening channels, ${RATE}/s, from the database`);
    const cold = await bench.withNodes(1, (nodes) => bench.load(nodes, options), {
        settings: { PARLEY_CACHE: 'off' },
    });
    bench.progress.step(`opening channels, ${RATE}/s, from the cache`);
    const warm = await bench.withNodes(1, (nodes) =>
        bench.load(nodes, { ...options, warm: WARM_UP_S }, () => cacheAnswers(nodes[0])),
    );
    return { cold, warm };
}

export function figures(rounds, { messages }) {
    const stored = `${RATE}/s, ${messages.toLocaleString('en-US')} messages stored`;
    return [
        {
            what: `p99 of opening a channel (last 50) from the database, ${stored}`,
            unit: 'ms',
            values: rounds.map(({ cold }) => cold.answer_ms.p99),
            target: { atMost: COLD_P99_MS_MAX },
        },
        {
            what: `p99 of opening a channel (last 50) from the cache, ${stored}`,
            unit: 'ms',
            values: rounds.map(({ warm }) => warm.answer_ms.p99),
            target: { atMost: WARM_P99_MS_MAX },
        },
    ];
}

function hitPercent({ observed: [first, last] }) {
    return (100 * (last.hits - first.hits)) / Math.max(last.asked - first.asked, 1);
}

export function table(rounds) {
    const row = (label, pick, hits) => [
        label,
        ...[
            (round) => pick(round).answer_ms.p50,
            (round) => pick(round).answer_ms.p99,
            (round) => pick(round).services.gateway + pick(round).services.database,
            hits,
        ].map((figure) => readable(median(rounds.map(figure)))),
    ];
    return {
        head: ['From', 'p50 ms', 'p99 ms', 'cores: database', 'answered by the cache, %'],
        rows: [
            row(
                'the database',
                ({ cold }) => cold,
                () => 0,
            ),
            row(
                'the cache',
                ({ warm }) => warm,
                ({ warm }) => hitPercent(warm),
            ),
        ],
    };
}
