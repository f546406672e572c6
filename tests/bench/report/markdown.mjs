// docs/benchmarks.md
import { readable } from '../harness/numbers.mjs';
import { isQuiet, metOf } from './rows.mjs';

const withUnit = (value, unit) => (unit === '/s' ? `${value}/s` : `${value} ${unit}`.trim());

function targetText({ target, unit, beside }) {
    if (!target) return '';
    const because = target.why ? ` (${target.why})` : '';
    if (target.atMost !== undefined) {
        return `at most ${withUnit(readable(target.atMost), unit)}${because}`;
    }
    if (target.atLeast !== undefined) {
        return `at least ${withUnit(readable(target.atLeast), unit)}${because}`;
    }
    return target.ratioAtMost !== undefined
        ? `at most ${readable(target.ratioAtMost)} × ${beside.name}`
        : `at least ${readable(target.ratioAtLeast)} × ${beside.name}`;
}

const spread = (values, unit) =>
    values.length > 1
        ? `${readable(Math.min(...values))} – ${withUnit(readable(Math.max(...values)), unit)}`
        : '';

export function tableOf(head, rows) {
    const line = (cells) => `| ${cells.join(' | ')} |`;
    return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

export function textRow(row) {
    return [
        row.what,
        withUnit(readable(row.value), row.unit),
        spread(row.values, row.unit),
        targetText(row),
        row.beside ? `${row.beside.name}: ${withUnit(readable(row.besideValue), row.unit)}` : '',
        row.beside ? `${readable(row.ratio)} ×` : '',
        row.target ? (row.met ? 'met' : '**missed**') : '',
    ];
}

export const HEAD = ['Figure', 'Parley', 'Range', 'Target', 'Beside it', 'Ratio', ''];

const machineList = (machine, others) =>
    [
        `- Processors: ${machine.processors}; memory: ${machine.memory}; system: ${machine.system}`,
        `- ${machine.parley} (${machine.commit}), SQLite ${machine.sqlite}`,
        `- Peers: Socket.IO ${machine.socketio} with Express ${machine.express}, ws ${machine.ws}, on Node ${machine.node}`,
        `- Processors that other programs kept busy meanwhile (median): ${others.toFixed(2)}`,
    ].join('\n');

const METHOD = `
- The server has one core, with all its threads; the load generator (\`tests/bench/load.c\`, one thread) has the other.
  parleyd runs as shipped with one worker, except that rate limits and the limit of connections per address are off.
- Everything goes through the front door: accounts made with \`auth.register\`, connections signed in with
  their tokens, \`message.send\` over WebSocket, committed by SQLite (WAL, synchronous=FULL), then fanned out. There are
  {people} accounts; where a figure speaks of more connections, several are the same person's. Texts have 100 bytes.
- Compared servers run in turn within one round, each round from a fresh copy of the same data; ratios are taken within a
  round. The table shows the median of the rounds ({rounds}) and their range.
- A message's latency counts from the time it was due, not from when the generator got round to it; a delivery counts when
  it was read from the socket. A run in which any message did not arrive at every member, any request was refused or any
  connection was lost is not valid, and is listed as such.
- CPU is user and system time of the whole server process. At a steady rate it includes what the commits cost.
- *Bare epoll* (\`tests/bench/limit.c\`) is a server that does nothing but join the frames of a loop turn and send them to all:
  no sign-in, no JSON, no storage. It is given frames as long as Parley's events. *SQLite* (\`tests/bench/sqlite_loop.c\`) does nothing but
  insert the same rows, in commits of the size that parleyd's /metrics show for the same round.
- At saturation each of 100 senders has 5 messages under way and sends the next when its own comes back.
- The figures named uWebSockets and Centrifugo are theirs on a machine of this kind, measured earlier, not in this run.
`.trim();

const busyNote = (others) =>
    isQuiet(others)
        ? ''
        : `**The machine was not quiet:** other programs kept ${others.toFixed(1)} of its processors busy. Then rates and
latencies are worse than they should be, and CPU per delivery is better, because frames that wait are joined.\n\n`;

export function markdown({ machine, date, sizes, parts, others }) {
    const rows = parts.flatMap((part) => part.rows.map(textRow));
    const faults = parts.flatMap((part) => part.faults.map((fault) => `- ${part.title}: ${fault}`));
    const tables = parts
        .filter((part) => part.table)
        .map((part) => `## ${part.title}\n\n${tableOf(part.table.head, part.table.rows)}\n`);
    return `# Benchmarks

Made by \`make bench\`, ${date}. ${metOf(parts)} targets met.

${busyNote(others)}![CPU per delivery and deliveries per second, Parley beside its peers](benchmarks.svg)

${tableOf(HEAD, rows)}

${faults.length > 0 ? `## Runs that were not valid\n\n${faults.join('\n')}\n\n` : ''}${tables.join('\n')}
## How it is measured

${METHOD.replace('{people}', readable(sizes.people)).replace('{rounds}', sizes.rounds)}

## On what

${machineList(machine, others)}
`;
}
