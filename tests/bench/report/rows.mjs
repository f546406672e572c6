// From the figures of the scenarios to the rows of the table.
import { median } from '../harness/numbers.mjs';

function judge(target, value, ratio) {
    if (target.atMost !== undefined) return value <= target.atMost;
    if (target.atLeast !== undefined) return value >= target.atLeast;
    if (target.ratioAtMost !== undefined) return ratio <= target.ratioAtMost;
    return ratio >= target.ratioAtLeast;
}

// A figure without a target is there to be seen beside another one.
// Ratios are taken within a round, where both sides met the same machine; then the median.
function toRow(figure) {
    const value = median(figure.values);
    const ratio = figure.beside
        ? median(figure.values.map((own, i) => own / figure.beside.values[i]))
        : NaN;
    return {
        ...figure,
        value,
        ratio,
        besideValue: figure.beside ? median(figure.beside.values) : NaN,
        met: figure.target ? judge(figure.target, value, ratio) : undefined,
    };
}

// Every member KEY anywhere in what was measured.
function collect(value, key) {
    if (value === null || typeof value !== 'object') return [];
    const own = key in value ? [value[key]] : [];
    return [...own, ...Object.values(value).flatMap((inner) => collect(inner, key))];
}

// How many processors other programs kept busy while it was measured.
export const othersCpu = (raw) => median(collect(raw, 'others_cpu'));

const OTHERS_MAX = 0.25;
export const isQuiet = (others) => !(others > OTHERS_MAX);

export function summarise(scenario, rounds, sizes) {
    const whole = rounds.filter((round) => !round.failure);
    const faults = rounds.flatMap((round) => (round.failure ? [round.failure] : collect(round, 'fault')));
    return {
        title: scenario.title,
        rows: whole.length > 0 ? scenario.figures(whole, factsOf(sizes)).map(toRow) : [],
        table: whole.length > 0 ? scenario.table?.(whole) : undefined,
        faults: [...new Set(faults)],
    };
}

const factsOf = (sizes) => ({ ...sizes, members: sizes.people.toLocaleString('en-US') });

// "12 of 15", of the rows that have a target.
export function metOf(parts) {
    const judged = parts.flatMap((part) => part.rows).filter((row) => row.target);
    return `${judged.filter((row) => row.met).length} of ${judged.length}`;
}
