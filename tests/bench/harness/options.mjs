// The command line that the benchmarks have in common.
import { parseArgs } from 'node:util';

function wholeNumber(name, text) {
    if (text === undefined) return {};
    const value = Number(text);
    if (!Number.isInteger(value) || value < 1) throw new Error(`--${name} takes a whole number from 1 up`);
    return { [name]: value };
}

// NUMBERS: options beside --rounds that replace a size; TEXTS: others. Complete: everything in full size was asked for.
export function readOptions({ help, scenarios, full, quick, numbers = [], texts = [] }) {
    const text = { type: 'string' };
    const flag = { type: 'boolean', default: false };
    const sized = ['rounds', ...numbers];
    const named = ['only', 'output', ...sized, ...texts].map((name) => [name, text]);
    const { values } = parseArgs({ options: { quick: flag, help: flag, ...Object.fromEntries(named) } });
    if (values.help) {
        process.stdout.write(help);
        process.exit(0);
    }
    const names = values.only?.split(',') ?? scenarios.map(({ name }) => name);
    const unknown = names.find((name) => !scenarios.some((scenario) => scenario.name === name));
    if (unknown) throw new Error(`there is no scenario ${unknown}; see --help`);
    const sizes = Object.assign(
        { ...(values.quick ? quick : full) },
        ...sized.map((name) => wholeNumber(name, values[name])),
    );
    return {
        ...Object.fromEntries(texts.map((name) => [name, values[name]])),
        scenarios: scenarios.filter(({ name }) => names.includes(name)),
        sizes,
        complete: !values.quick && names.length === scenarios.length,
        output: values.output,
    };
}

// What was measured, as it is kept: by the scenarios' names.
export const rawOf = (measured) => Object.fromEntries([...measured].map(([{ name }, rounds]) => [name, rounds]));

export const stepsOf = (scenarios, { rounds }) => rounds * scenarios.reduce((sum, { steps }) => sum + steps, 0);
