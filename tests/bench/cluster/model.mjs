// The model of docs/scaling.md: from what was measured to clusters that were not.
//
//   node tests/bench/cluster/model.mjs [FIGURES]           prints its tables
//   node tests/bench/cluster/model.mjs --write [FIGURES]   puts them into docs/scaling.md
//
// FIGURES is what `make bench-cluster` wrote (docs/benchmarks-cluster.json). What is assumed rather
// than measured is in ASSUMED; change it and run this again.
import { readFileSync, writeFileSync } from 'node:fs';
import { tableOf } from '../report/markdown.mjs';

const root = new URL('../../..', import.meta.url).pathname;
const PAGE = `${root}docs/scaling.md`;
const SIZES = [10_000, 100_000, 1_000_000, 10_000_000];

export const ASSUMED = {
    seconds_per_message: 300, // a connection sends one every five minutes in the busy hour
    online_recipients: 30, // of a message, on the average
    lone_delivery_us: 2.6, // docs/benchmarks.md: a delivery that is not joined with others, from 10 and 100 members
    connection_kb: 3.56 + 12, // docs/benchmarks.md, and what the kernel keeps for a socket
    connections_per_node: 50_000, // what one may lose at once
    node_cores: 4,
    use: 0.5, // of a core, a shard, a Redis, in the busy hour
    busy_hours_per_day: 8,
    bytes_per_event: 1000, // with indexes
    euros_node: 60, // a month: 4 cores, 8 GB
    euros_redis: 60, // 2 cores, with a replica
    euros_shard: 450, // three members of 4 cores, 16 GB, fast disks
};

// On how many of N nodes F people are who are anywhere.
const spread = (f, n) => n * (1 - (1 - 1 / n) ** f);

const whole = (value) => Math.max(1, Math.ceil(value - 1e-9));

// CONNECTIONS in the busy hour. All costs are per second; cores are processor seconds.
export function cluster(connections, measured, assumed = ASSUMED) {
    const sends = connections / assumed.seconds_per_message;
    const deliveries = sends * assumed.online_recipients;
    const byConnections = whole(connections / assumed.connections_per_node);
    const cores = (nodes) =>
        (sends * measured.send_us * spread(assumed.online_recipients, nodes) +
            deliveries * assumed.lone_delivery_us) /
        1e6;
    const nodes = Math.max(byConnections, whole(cores(byConnections) / (assumed.node_cores * assumed.use)));
    // Redis gives a message to its own publisher as well.
    const passedOn = nodes > 1 ? sends * spread(assumed.online_recipients, nodes) : 0;
    const redisCores = (passedOn * measured.redis_us_per_envelope) / 1e6;
    const redis = nodes > 1 ? whole(redisCores / assumed.use) : 0;
    const shards = whole(sends / (measured.database_sends_per_s * assumed.use));
    return {
        connections,
        sends,
        deliveries,
        nodes,
        nodeCores: cores(nodes),
        gigabytes: (connections * assumed.connection_kb) / 2 ** 20,
        passedOn,
        redisCores,
        redis,
        shards,
        gigabytesPerDay: (sends * 3600 * assumed.busy_hours_per_day * assumed.bytes_per_event) / 1e9,
        euros: nodes * assumed.euros_node + redis * assumed.euros_redis + shards * assumed.euros_shard,
    };
}

const count = (value) => Math.round(value).toLocaleString('en-US');
const short = (value) => (value >= 100 ? count(value) : String(Number(value.toPrecision(2))));

function clusters(measured) {
    const all = SIZES.map((size) => cluster(size, measured));
    const row = (label, pick) => [label, ...all.map(pick)];
    return tableOf(
        ['', ...SIZES.map((size) => `${count(size)} connections`)],
        [
            row('messages/s', ({ sends }) => short(sends)),
            row('deliveries/s', ({ deliveries }) => short(deliveries)),
            row('nodes', ({ nodes }) => count(nodes)),
            row('– cores that they use', ({ nodeCores }) => short(nodeCores)),
            row('– memory of the connections, GB', ({ gigabytes }) => short(gigabytes)),
            row('envelopes that Redis passes on, /s', ({ passedOn }) => short(passedOn)),
            row('– cores', ({ redisCores }) => short(redisCores)),
            row('**instances of Redis**', ({ redis }) => count(redis)),
            row('**shards of MongoDB**', ({ shards }) => count(shards)),
            row('– new data a day, GB', ({ gigabytesPerDay }) => short(gigabytesPerDay)),
            row('Euros a month', ({ euros }) => count(euros)),
            row('– a thousand connections', ({ euros, connections }) => short((euros / connections) * 1000)),
        ],
    );
}

// When the last of MEMBERS online has a message, for the processors' part alone.
function largest(measured) {
    const members = [1000, 10_000, 100_000, 1_000_000];
    const nodes = [1, 3, 20, 200];
    const ms = (all, n) => `${short(((all / n) * ASSUMED.lone_delivery_us) / 1000)} ms`;
    return tableOf(
        ['members online in one channel', ...nodes.map((n) => (n === 1 ? 'one node' : `${n} nodes`)), 'messages/s that half a core a node can deliver, 20 nodes'],
        members.map((all) => [
            count(all),
            ...nodes.map((n) => ms(all, n)),
            short(Math.min((0.5e6 * 20) / (all * measured.delivery_us), measured.channel_sends_per_s_three_nodes)),
        ]),
    );
}

function inputs(measured) {
    const rows = [
        ...Object.entries(measured).map(([name, value]) => [`\`${name}\``, String(value), 'measured']),
        ...Object.entries(ASSUMED).map(([name, value]) => [`\`${name}\``, String(value), 'assumed']),
    ];
    return tableOf(['input', 'value', ''], rows);
}

function main() {
    const words = process.argv.slice(2);
    const write = words[0] === '--write';
    const path = words[write ? 1 : 0] ?? `${root}docs/benchmarks-cluster.json`;
    const { inputs: measured } = JSON.parse(readFileSync(path, 'utf8'));
    const parts = { clusters: clusters(measured), largest: largest(measured), inputs: inputs(measured) };
    if (!write) {
        for (const table of Object.values(parts)) console.log(`${table}\n`);
        return;
    }
    let page = readFileSync(PAGE, 'utf8');
    for (const [name, table] of Object.entries(parts)) {
        const place = new RegExp(`(<!-- model: ${name} -->\n)[^]*?(<!-- end -->)`);
        if (!place.test(page)) throw new Error(`docs/scaling.md has no place for ${name}`);
        page = page.replace(place, (_, begin, end) => `${begin}${table}\n${end}`);
    }
    writeFileSync(PAGE, page);
}

if (process.argv[1] === new URL(import.meta.url).pathname) main();
