// docs/benchmarks-socketio.md, .json, and what is drawn in docs/benchmarks-socketio.svg.
import { median, readable } from '../harness/numbers.mjs';
import { HEAD, tableOf, textRow } from '../report/markdown.mjs';
import { isQuiet, metOf } from '../report/rows.mjs';

const METHOD = `
- The server has one core, with all its threads (\`parleyd --workers 1\`; one Node.js process); the load generator (\`tests/bench/load.c\`, one
  thread) has the other. parleyd runs as shipped, except that rate limits and the limit of connections per address are off.
- Members connect to \`/socket.io/\` and speak as socket.io-client does: to Parley with \`auth.token\` in CONNECT, and \`message.send\` with an ack. Every
  message is committed by SQLite (WAL, synchronous=FULL) before it is acked and fanned out. Socket.IO (\`tests/bench/peers/socketio.mjs\`)
  signs nobody in and stores nothing: what it is asked to do is less. Texts have 100 bytes.
- Members who poll have a GET under way all the time and POST what they send, on a kept connection each.
- HTTP requests are POSTs on 32 kept connections, one at a time on each, of 20 signed-in people, on a database with 20,000 messages; first as fast as they are
  answered, then at half of that rate. Express (\`tests/bench/peers/express.mjs\`) has the same two commands on better-sqlite3, with a session's token
  looked up by its hash, the same checks and answers of the same form.
- At saturation each of 100 senders has 5 messages under way and sends the next when its own comes back: each server is as fast as it
  can be, and joins what waits for the same connection. The table below also has both at one rate that Socket.IO bears.
- Compared servers run in turn within one round, each from a fresh copy of the same data; ratios are taken within a round. The first table
  shows the median of the rounds ({rounds}) and their range.
- A latency counts from the time a message or request was due, not from when the generator got round to it. A run in which any message did
  not arrive at every member, any request was refused or any connection was lost is not valid, and is listed as such.
- CPU is user and system time of the whole server process, commits included; memory is what the process has for itself (private pages).
`.trim();

const machineList = (machine, others) =>
    [
        `- Processors: ${machine.processors}; memory: ${machine.memory}; system: ${machine.system}`,
        `- ${machine.parley} (${machine.commit}), SQLite ${machine.sqlite}`,
        `- Peers: Socket.IO ${machine.socketio}, Express ${machine.express}, on Node ${machine.node}`,
        `- Processors that other programs kept busy meanwhile (median): ${others.toFixed(2)}`,
    ].join('\n');

const busyNote = (others) =>
    isQuiet(others)
        ? ''
        : `**The machine was not quiet:** other programs kept ${others.toFixed(1)} of its processors busy.\n\n`;

export function socketioMarkdown({ machine, date, sizes, parts, others }) {
    const rows = parts.flatMap((part) => part.rows);
    const faults = parts.flatMap((part) => part.faults.map((fault) => `- ${part.title}: ${fault}`));
    const tables = parts
        .filter((part) => part.table)
        .map((part) => `## ${part.title}\n\n${tableOf(part.table.head, part.table.rows)}\n`);
    return `# Benchmarks beside Socket.IO and Express

Made by \`make bench-socketio\`, ${date}. ${metOf(parts)} targets met.

${busyNote(others)}![CPU, memory and requests per second beside Socket.IO and Express](benchmarks-socketio.svg)

${tableOf(HEAD, rows.map(textRow))}

${faults.length > 0 ? `## Runs that were not valid\n\n${faults.join('\n')}\n\n` : ''}${tables.join('\n')}
## How it is measured

${METHOD.replace('{rounds}', sizes.rounds)}

## On what

${machineList(machine, others)}
`;
}

// The rows without what is only said in words.
export const socketioFigures = (parts) =>
    parts.flatMap(({ rows }) =>
        rows.map(({ what, unit, values, value, beside, besideValue, ratio, target, met }) => ({
            what,
            unit,
            value,
            values,
            ...(beside && { beside: beside.name, besideValue, ratio }),
            target,
            met,
        })),
    );

const valid = (rounds) => (rounds ?? []).filter((round) => !round.failure);

function panel(title, note, rounds, servers, text) {
    const bars = Object.entries(servers).map(([name, pick]) => {
        const value = median(rounds.map(pick));
        return { name, value, text: text(readable(Number(value.toPrecision(3)))), own: name.startsWith('Parley') };
    });
    return { title, note, bars };
}

const rate = (value) => `${value}/s`;

// RAW: the rounds by the scenarios' names. No panel for what was not measured.
export function socketioPanels(raw) {
    const fanout = valid(raw.fanout);
    const polling = valid(raw.polling);
    const idle = valid(raw.idle);
    const http = valid(raw.http);
    return [
        fanout.length > 0 &&
            panel(
                'CPU per delivery at saturation (less is better)',
                'One channel over WebSocket; Parley stores every message, Socket.IO none',
                fanout,
                {
                    'Parley, Socket.IO': ({ most }) => most.parley.cpu_us_per_delivery,
                    'Parley, /ws': ({ most }) => most.ws.cpu_us_per_delivery,
                    'Socket.IO': ({ most }) => most.socketio.cpu_us_per_delivery,
                },
                (value) => `${value} µs`,
            ),
        polling.length > 0 &&
            panel(
                'Deliveries per second by long-polling (more is better)',
                'One channel of members who all poll',
                polling,
                {
                    Parley: ({ parley }) => parley.delivered_per_s,
                    'Socket.IO': ({ socketio }) => socketio.delivered_per_s,
                },
                rate,
            ),
        idle.length > 0 &&
            panel(
                'Memory of an idle connection (less is better)',
                'Signed in over Socket.IO and WebSocket',
                idle,
                {
                    Parley: ({ parley }) => parley.kb_per_connection,
                    'Socket.IO': ({ socketio }) => socketio.kb_per_connection,
                },
                (value) => `${value} KB`,
            ),
        ...[
            ['http-history', 'message.history, 50 messages, per second (more is better)'],
            ['http-user', 'user.get per second (more is better)'],
        ].map(
            ([dialect, title]) =>
                http.length > 0 &&
                panel(
                    title,
                    'HTTP with keep-alive, on one core',
                    http,
                    {
                        Parley: ({ parley }) => parley[dialect].most.answered_per_s,
                        Express: ({ express }) => express[dialect].most.answered_per_s,
                    },
                    rate,
                ),
        ),
    ].filter(Boolean);
}
