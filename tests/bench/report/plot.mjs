// docs/benchmarks.svg: two bar charts, legible on light and dark pages.
const WIDTH = 760;
const LABEL_WIDTH = 150;
const BAR_AREA = 460;
const BAR_HEIGHT = 26;
const BAR_STEP = 38;
const PANEL_HEAD = 58;
const MARGIN = 24;

const STYLE = `
    .page { fill: #ffffff; }
    text { font: 14px system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; fill: #1f2328; }
    .title { font-size: 16px; font-weight: 600; }
    .note { font-size: 12px; fill: #59636e; }
    .label { text-anchor: end; }
    .bar { fill: #8c959f; }
    .own { fill: #0969da; }
    .axis { stroke: #d1d9e0; }
    @media (prefers-color-scheme: dark) {
        .page { fill: #0d1117; }
        text { fill: #f0f6fc; }
        .note { fill: #9198a1; }
        .bar { fill: #656c76; }
        .own { fill: #4493f8; }
        .axis { stroke: #3d444d; }
    }`;

const escape = (text) => text.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;');

function bar({ name, value, text, own }, index, largest, top) {
    const y = top + PANEL_HEAD + index * BAR_STEP;
    const width = Math.max(2, (value / largest) * BAR_AREA);
    const x = MARGIN + LABEL_WIDTH;
    const middle = y + BAR_HEIGHT / 2 + 5;
    return `  <text class="label" x="${x - 10}" y="${middle}">${escape(name)}</text>
  <rect class="${own ? 'own' : 'bar'}" x="${x}" y="${y}" width="${width.toFixed(1)}" height="${BAR_HEIGHT}" rx="3"/>
  <text x="${(x + width + 8).toFixed(1)}" y="${middle}">${escape(text)}</text>`;
}

function panel({ title, note, bars }, top) {
    const largest = Math.max(...bars.map(({ value }) => value));
    const bottom = top + PANEL_HEAD + bars.length * BAR_STEP - (BAR_STEP - BAR_HEIGHT) + 6;
    const x = MARGIN + LABEL_WIDTH;
    return `  <text class="title" x="${MARGIN}" y="${top + 22}">${escape(title)}</text>
  <text class="note" x="${MARGIN}" y="${top + 42}">${escape(note)}</text>
${bars.map((one, i) => bar(one, i, largest, top)).join('\n')}
  <line class="axis" x1="${x}" y1="${top + PANEL_HEAD - 6}" x2="${x}" y2="${bottom}"/>`;
}

const panelHeight = ({ bars }) => PANEL_HEAD + bars.length * BAR_STEP + 16;

// PANELS: {title, note, bars: [{name, value, text, own}]}; SUMMARY is read out in its place.
export function plot(panels, summary) {
    const height = panels.reduce((sum, one) => sum + panelHeight(one), MARGIN);
    let top = MARGIN / 2;
    const drawn = panels.map((one) => {
        const svg = panel(one, top);
        top += panelHeight(one);
        return svg;
    });
    return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img" aria-labelledby="summary">
  <title id="summary">${escape(summary)}</title>
  <style>${STYLE}
  </style>
  <rect class="page" width="${WIDTH}" height="${height}" rx="6"/>
${drawn.join('\n')}
</svg>
`;
}
