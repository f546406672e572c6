// docs/benchmarks-cluster.md, and what is drawn in docs/benchmarks-cluster.svg.
import { median, readable } from '../harness/numbers.mjs';
import { HEAD, tableOf, textRow } from '../report/markdown.mjs';
import { isQuiet, metOf } from '../report/rows.mjs';

const METHOD = `
- One machine of two cores holds everything: **a figure here is that of a small machine under all of this at once, not of a cluster of machines**.
  All nodes (\`parleyd --workers 1\`) and the peer's Node.js share core 1; the load generator (\`tests/bench/load.c\`, one thread) has core 0; Redis and
  the database (the gateway and PostgreSQL, where it is FerretDB) run on whichever core is free. So a second and a third node bring no
  processor with them here: what they cost can be seen, what they bring cannot. Latencies include waiting for a core.
- Where the database is FerretDB, \`scripts/mongo-server\` sets PostgreSQL's \`deadlock_timeout\` to 50 ms (its default is a second): in that extension two writers of the same key wait
  for each other until it has passed. It shortens the stalls of nodes that race for a channel, which only Parley has.
- parleyd runs as shipped, except that rate limits and the limit of connections per address are off. Accounts are made with \`auth.register\`,
  connections sign in with their tokens, texts have 100 bytes, every message is committed with \`w: majority, j: true\` before it is acked.
- The peer (\`tests/bench/peers/socketio_store.mjs\`) is Express with Socket.IO, its Redis adapter and one \`insertOne\` a message, with the same write
  concern, in one process; it acks and emits to the room after the insert. It signs nobody in, keeps no order and does not know a retry.
- Members are dealt out to the nodes in blocks. Where a figure compares two, both were measured in the same round, on the same servers, in turn. The
  table shows the median of the rounds ({rounds}) and their range; a figure without a range was measured once. All scenarios use one database, which grows meanwhile.
- A message's latency counts from the time it was due, not from when the generator got round to it. A run in which any message did not arrive at every
  member, any request was refused or any connection was lost is not valid, and is listed as such.
- CPU is user and system time of the whole server process; *cores* are processor seconds a second.
- When a node is killed, its clients notice at once, wait 100 to 400 ms, and go to one of the others by chance, as through a load balancer that knows. The
  others' latencies are those of the members who kept their node, from the kill until the last is back.
`.trim();

const serviceList = ({ redis, mongo }) =>
    `- Redis ${redis}; ${mongo === 'mongod' ? 'mongod' : 'FerretDB 2.7 in front of PostgreSQL 18 with DocumentDB'}`;

const machineList = (machine, others) =>
    [
        `- Processors: ${machine.processors}; memory: ${machine.memory}; system: ${machine.system}`,
        `- ${machine.parley} (${machine.commit})`,
        serviceList(machine),
        `- The peer: Socket.IO ${machine.socketio} with Express ${machine.express}, on Node ${machine.node}`,
        `- Processors that other programs kept busy meanwhile (median): ${others.toFixed(2)}`,
    ].join('\n');

// Quotes of what a server answered may be long.
const oneLine = (text) => text.replaceAll('\n', '; ').slice(0, 200);

const busyNote = (others) =>
    isQuiet(others)
        ? ''
        : `**The machine was not quiet:** other programs kept ${others.toFixed(1)} of its processors busy.\n\n`;

export function clusterMarkdown({ machine, date, sizes, parts, others }) {
    const rows = parts.flatMap((part) => part.rows);
    const faults = parts.flatMap((part) => part.faults.map((fault) => `- ${part.title}: ${oneLine(fault)}`));
    const tables = parts
        .filter((part) => part.table)
        .map((part) => `## ${part.title}\n\n${tableOf(part.table.head, part.table.rows)}\n`);
    return `# Benchmarks of a cluster

Made by \`make bench-cluster\`, ${date}. ${metOf(parts)} targets met. What follows from these figures for larger clusters is in
[scaling.md](scaling.md).

${busyNote(others)}![Durable sends per second beside Socket.IO, and one node beside three](benchmarks-cluster.svg)

${tableOf(HEAD, rows.map(textRow))}

${faults.length > 0 ? `## Runs that were not valid\n\n${faults.join('\n')}\n\n` : ''}${tables.join('\n')}
## How it is measured

${METHOD.replace('{rounds}', sizes.rounds)}

## On what

${machineList(machine, others)}
`;
}

const valid = (rounds) => (rounds ?? []).filter((round) => !round.failure);

function bars(values) {
    return Object.entries(values).map(([name, value]) => ({
        name,
        value,
        text: `${readable(Number(value.toPrecision(3)))}/s`,
        own: name !== 'Socket.IO',
    }));
}

// MEASURED: the rounds by the scenarios' names. No panel for what was not measured.
export function clusterPanels(measured) {
    const sends = valid(measured.sends);
    const writers = valid(measured.writers);
    const best = (server) => median(sends.map(({ most }) => most.at(-1)[server].answered_per_s));
    const through = (count) => median(writers.map((round) => round[count].answered_per_s));
    return [
        sends.length > 0 && {
            title: 'Durable sends per second (more is better)',
            note: '20 connections with 10 in flight; the same Redis and database',
            bars: bars({ Parley: best('parley'), 'Socket.IO': best('peer') }),
        },
        writers.length > 0 && {
            title: 'Durable sends per second into one channel (more is better)',
            note: 'The same writers through one node and through three, all on one core',
            bars: bars({ 'one node': through('one'), 'three nodes': through('three') }),
        },
    ].filter(Boolean);
}
