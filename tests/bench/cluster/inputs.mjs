// What the model of docs/scaling.md takes from a run: costs of one thing each, medians of the
// rounds. A figure that was not measured is absent.
import { median } from '../harness/numbers.mjs';

const US = 1e6;

const rounds = (raw, name, pick) =>
    median((raw[name] ?? []).filter((round) => !round.failure).map(pick));

const database = ({ services }) => services.gateway + services.database;

const PICKS = {
    // A node with 1,000 messages/s that commits nothing: what it costs to take and deliver them.
    delivery_us: (raw) => rounds(raw, 'second', ({ two }) => two.nodes[1].cpu_us_per_delivery),
    // What a node pays for a message at half load, with its ten deliveries. Taking an envelope of
    // another node costs less.
    send_us: (raw) =>
        rounds(raw, 'sends', ({ half }) => (half.server_cpu / half.sent_per_s) * US),
    // Each message goes to the node that published it, too.
    redis_us_per_envelope: (raw) =>
        rounds(raw, 'second', ({ two }) => (two.services.redis / (2 * two.sent_per_s)) * US),
    database_us_per_event: (raw) =>
        rounds(raw, 'sends', ({ most }) => {
            const { parley } = most.at(-1);
            return (database(parley) / parley.answered_per_s) * US;
        }),
    database_sends_per_s: (raw) =>
        rounds(raw, 'sends', ({ most }) => most.at(-1).parley.answered_per_s),
    channel_sends_per_s_three_nodes: (raw) =>
        rounds(raw, 'writers', ({ three }) => three.answered_per_s),
    channel_sends_per_s_one_node: (raw) => rounds(raw, 'writers', ({ one }) => one.answered_per_s),
    resumed_per_s: (raw) =>
        rounds(raw, 'failover', ({ victims, resumeSeconds }) => victims / resumeSeconds),
};

export function inputsOf(raw) {
    return Object.fromEntries(
        Object.entries(PICKS)
            .map(([name, pick]) => [name, Number(pick(raw).toPrecision(4))])
            .filter(([, value]) => Number.isFinite(value)),
    );
}
