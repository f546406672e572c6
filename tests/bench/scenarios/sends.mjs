// Durable sends: people who each write to a channel of their own, so that the cost of
// taking a message in and committing it stands alone.
import { runOnServerCore } from '../harness/processes.mjs';
import { median } from '../harness/numbers.mjs';
import { rm } from 'node:fs/promises';

export const name = 'sends';
export const title = 'Durable sends';
export const steps = 3;

const WINDOW = 10;
const ACKED_MIN = 20_000;
const SQLITE_RATIO_MIN = 0.5;
const ACK_P99_MS_MAX = 10;

// The mean batch of the commits between two readings of /metrics.
function meanBatch(before, after) {
    const grown = (key) => (after.get(key) ?? 0) - (before.get(key) ?? 0);
    return (
        grown('parley_commit_batch_requests_sum') / grown('parley_commit_batch_requests_count')
    );
}

export async function run(bench) {
    const members = bench.sizes.soloists;
    const options = {
        people: bench.worlds.people('solo'),
        members,
        publishers: members,
        fanout: 1,
    };

    bench.progress.step('durable sends: as many as possible');
    const { most, half, batch } = await bench.withParley('base', async (parley) => {
        const before = await parley.metrics();
        const most = await bench.load(parley, { ...options, window: WINDOW });
        const batch = meanBatch(before, await parley.metrics());
        const rate = Math.round(most.answered_per_s / 2);
        bench.progress.step(`durable sends: half of that, ${rate}/s`);
        const half = await bench.load(parley, { ...options, rate });
        return { most, half, batch };
    });
    bench.progress.step(`durable sends: bare SQLite, ${Math.round(batch)} a commit`);
    const database = bench.worlds.path('loop.db');
    const sqlite = await runOnServerCore(bench.programs.sqlite_loop, [
        database,
        String(Math.max(1, Math.round(batch))),
        String(bench.sizes.seconds),
    ]);
    await Promise.all(
        ['', '-wal', '-shm'].map((suffix) => rm(database + suffix, { force: true })),
    );
    return { most, half, batch, sqlite };
}

export function figures(rounds, { soloists }) {
    const acked = rounds.map(({ most }) => most.answered_per_s);
    const rate = median(rounds.map(({ half }) => half.sent_per_s));
    return [
        {
            what: `Acked sends/s, ${soloists} connections with ${WINDOW} in flight`,
            unit: '/s',
            values: acked,
            target: { atLeast: ACKED_MIN },
        },
        {
            what: `– beside a bare SQLite loop, ${Math.round(median(rounds.map((r) => r.batch)))} messages a commit`,
            unit: '/s',
            values: acked,
            beside: { name: 'SQLite', values: rounds.map(({ sqlite }) => sqlite.messages_per_s) },
            target: { ratioAtLeast: SQLITE_RATIO_MIN },
        },
        {
            what: `p99 from send to ack at half of that (${Math.round(rate).toLocaleString('en-US')}/s)`,
            unit: 'ms',
            values: rounds.map(({ half }) => half.answer_ms.p99),
            target: { atMost: ACK_P99_MS_MAX },
        },
    ];
}
