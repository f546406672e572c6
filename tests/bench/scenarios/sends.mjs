// Durable sends: small teams who all talk, so that taking messages in and committing them
// is most of the work. A commit costs what pages it touches, so the same is measured with
// a channel for each sender: every message lands in a place of its own.
import { rm } from 'node:fs/promises';
import { median, readable } from '../harness/numbers.mjs';
import { runOnServerCore } from '../harness/processes.mjs';
import { TEAM } from '../harness/worlds.mjs';

export const name = 'sends';
export const title = 'Durable sends';
export const steps = 8;

const WINDOW = 10;
const ACKED_MIN = 20_000;
const REQUIRED_HALF = ACKED_MIN / 2;
const SQLITE_RATIO_MIN = 0.5;
const ACK_P99_MS_MAX = 10;

// The mean batch of the commits between two readings of /metrics.
function meanBatch(before, after) {
    const grown = (key) => (after.get(key) ?? 0) - (before.get(key) ?? 0);
    return (
        grown('parley_commit_batch_requests_sum') / grown('parley_commit_batch_requests_count')
    );
}

async function measureShape(bench, { people, fanout, channels }) {
    const members = bench.sizes.soloists;
    const options = { people: bench.worlds.people(people), members, publishers: members, fanout };

    bench.progress.step(`durable sends to ${channels} channels: as many as possible`);
    const measured = await bench.withParley('base', async (parley) => {
        const before = await parley.metrics();
        const most = await bench.load(parley, { ...options, window: WINDOW });
        const batch = meanBatch(before, await parley.metrics());
        const rate = Math.round(most.answered_per_s / 2);
        bench.progress.step(`durable sends to ${channels} channels: half of that, ${rate}/s`);
        const half = await bench.load(parley, { ...options, rate });
        bench.progress.step(`durable sends to ${channels} channels: ${REQUIRED_HALF}/s`);
        const required = await bench.load(parley, { ...options, rate: REQUIRED_HALF });
        return { most, half, required, batch };
    });
    const batch = Math.max(1, Math.round(measured.batch));
    bench.progress.step(`durable sends to ${channels} channels: bare SQLite, ${batch} a commit`);
    const database = bench.worlds.path('loop.db');
    const sqlite = await runOnServerCore(
        bench.programs.sqlite_loop,
        [database, channels, batch, bench.sizes.seconds].map(String),
    );
    await Promise.all(
        ['', '-wal', '-shm'].map((suffix) => rm(database + suffix, { force: true })),
    );
    return { ...measured, sqlite };
}

export async function run(bench) {
    const members = bench.sizes.soloists;
    return {
        teams: await measureShape(bench, { people: 'teams', fanout: TEAM, channels: members / TEAM }),
        solo: await measureShape(bench, { people: 'solo', fanout: 1, channels: members }),
    };
}

const ackedOf = (runs) => runs.map(({ most }) => most.answered_per_s);

function besideSqlite(runs) {
    return { name: 'SQLite', values: runs.map(({ sqlite }) => sqlite.messages_per_s) };
}

const batchOf = (runs) => Math.round(median(runs.map(({ batch }) => batch)));

export function figures(rounds, { soloists }) {
    const teams = rounds.map((round) => round.teams);
    const solo = rounds.map((round) => round.solo);
    const half = median(teams.map(({ half: run }) => run.sent_per_s));
    return [
        {
            what: `Acked sends/s, ${soloists} connections with ${WINDOW} in flight, ${soloists / TEAM} channels of ${TEAM}`,
            unit: '/s',
            values: ackedOf(teams),
            target: { atLeast: ACKED_MIN },
        },
        {
            what: `– beside a bare SQLite loop, ${batchOf(teams)} messages a commit`,
            unit: '/s',
            values: ackedOf(teams),
            beside: besideSqlite(teams),
            target: { ratioAtLeast: SQLITE_RATIO_MIN },
        },
        {
            what: `p99 from send to ack at half of the load required (${readable(REQUIRED_HALF)}/s)`,
            unit: 'ms',
            values: teams.map(({ required }) => required.answer_ms.p99),
            target: { atMost: ACK_P99_MS_MAX },
        },
        {
            what: `– at half of the most that was reached (${readable(half)}/s)`,
            unit: 'ms',
            values: teams.map(({ half: run }) => run.answer_ms.p99),
        },
        {
            what: `The hardest shape for a database: ${soloists} channels of one, ${batchOf(solo)} messages a commit`,
            unit: '/s',
            values: ackedOf(solo),
            beside: besideSqlite(solo),
            target: { ratioAtLeast: SQLITE_RATIO_MIN },
        },
    ];
}
