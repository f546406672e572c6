// The rows of the report for whoever ran it in a terminal.
import { textRow } from './markdown.mjs';

export function printSummary(parts) {
    for (const { title, rows, table, faults } of parts) {
        console.log(`\n${title}`);
        for (const row of rows) {
            const [what, value, range, target, beside, ratio, verdict] = textRow(row);
            const detail = [range && `(${range})`, beside, ratio && `= ${ratio}`].filter(Boolean);
            console.log(`  ${verdict.replaceAll('*', '').padEnd(6)} ${what}: ${value} ${detail.join(' ')}${target && `; target ${target}`}`);
        }
        if (table) for (const row of [table.head, ...table.rows]) console.log(`  ${row.join(' | ')}`);
        for (const fault of faults) console.log(`  not valid: ${fault}`);
    }
}
