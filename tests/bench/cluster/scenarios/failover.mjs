// One of three nodes is killed; all of its clients come back to the other two at once.
import { median, readable } from '../../harness/numbers.mjs';

export const name = 'failover';
export const title = 'A node is killed';
export const steps = 1;

const NODES = 3;
const RATE = 20; // messages/s, each to everybody
const PUBLISHERS = 100; // on the first node, which stays
const RESUME_S_MAX = 5;
const P99_RATIO_MAX = 3;

export async function run(bench) {
    const members = bench.sizes.connections;
    bench.progress.step(`kill -9 of one of ${NODES} nodes with ${members} connections`);
    return bench.withNodes(NODES, async (nodes) => {
        const load = bench.generator(
            nodes,
            {
                people: bench.worlds.people('hall'),
                members,
                publishers: Math.min(PUBLISHERS, Math.floor(members / NODES)),
                sources: 16,
                rate: RATE,
            },
            'failover',
        );
        await load.phase('measured');
        await nodes.at(-1).stop('SIGKILL');
        const result = await load.result();
        return { ...result, resumeSeconds: (result.resumed_ns - result.lost_ns) / 1e9 };
    });
}

export function figures(rounds, { connections }) {
    const count = connections.toLocaleString('en-US');
    const victims = median(rounds.map((round) => round.victims));
    return [
        {
            what: `From the first loss until all ${readable(victims)} of ${count} connections have resumed on the other two nodes`,
            unit: 's',
            values: rounds.map(({ resumeSeconds }) => resumeSeconds),
            target: { atMost: RESUME_S_MAX },
        },
        {
            what: `p99 of delivery to the others meanwhile, ${RATE} messages/s to everybody`,
            unit: 'ms',
            values: rounds.map(({ during_ms }) => during_ms.p99),
            beside: { name: 'before', values: rounds.map(({ before_ms }) => before_ms.p99) },
            target: { ratioAtMost: P99_RATIO_MAX },
        },
        {
            what: `Members of ${count} with a hole, a repeat or a lost place afterwards`,
            unit: '',
            values: rounds.map(({ gaps, repeats, displaced }) => gaps + repeats + displaced),
            target: { atMost: 0 },
        },
    ];
}
