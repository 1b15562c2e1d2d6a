// Draws the charts anew so that one can point into them, and appends what the stream brings. The
// server's drawing stands until then, and has the same scales.
const data = document.getElementById("points");
const locale = document.documentElement.lang;
const zone = data.dataset.zone;
const span = data.dataset.to - data.dataset.from;
const column = span / data.dataset.columns;
const AIR = 0.12;
const LETTERS = 9;
/** More than there are, for any scale that can be drawn. */
const ROUNDS = 12;
/** Room for half of the end dot, outside of the plot. */
const DOT = 4;
let end = Number(data.dataset.to);

const digits = new Intl.NumberFormat(locale, { maximumFractionDigits: 3 });
// Adding zero turns the negative zero into the usual one.
const number = (value) => digits.format(value + 0).replace("-", "\u2212");
const clock = new Intl.DateTimeFormat(locale, {
  timeZone: zone,
  hourCycle: "h23",
  ...(span > 864e5 && { day: "numeric", month: "short" }),
  hour: "2-digit",
  minute: "2-digit",
  ...(span < 72e5 && { second: "2-digit" }),
});

/** Running sums: the page carries differences. */
const sums = (steps) => {
  let sum = 0;
  return steps.map((step) => (sum += step));
};

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`);

/** One line: its points, and a null after what a gap follows. */
class Line {
  constructor(raw) {
    const unit = 10 ** -raw.scale;
    this.gap = raw.gap;
    this.banded = raw.lo.length > 0;
    this.faint = raw.b === 1;
    this.place = raw.s ?? 1;
    const values = sums(raw.v);
    this.points = sums(raw.t).map((step, i) => ({
      time: raw.start + step * raw.tick,
      last: values[i] * unit,
      min: (values[i] - (raw.lo[i] ?? 0)) * unit,
      max: (values[i] + (raw.hi[i] ?? 0)) * unit,
    }));
  }

  get colour() {
    return colour(`series-${this.place}`);
  }

  /** A single reading from the stream. Late ones find their place. */
  add(time, value) {
    const list = this.points;
    let at = list.length;
    while (at > 0 && list[at - 1].time > time) at -= 1;
    const before = list[at - 1];
    const same = before && Math.floor(time / column) === Math.floor(before.time / column);
    if (this.banded && same && at === list.length) {
      before.time = time;
      before.last = value;
      before.min = Math.min(before.min, value);
      before.max = Math.max(before.max, value);
    } else {
      list.splice(at, 0, { time, last: value, min: value, max: value });
    }
    end = Math.max(end, time);
  }

  /** What has left the window on the left goes; one point stays, so that the line enters there. */
  columns() {
    const start = end - span;
    while (this.points.length > 2 && this.points[1].time < start) this.points.shift();
    const [times, last, min, max] = [[], [], [], []];
    let before;
    for (const point of this.points) {
      if (before !== undefined && point.time - before > this.gap) {
        times.push((before + 1) / 1000);
        for (const list of [last, min, max]) list.push(null);
      }
      times.push(point.time / 1000);
      last.push(point.last);
      min.push(point.min);
      max.push(point.max);
      before = point.time;
    }
    return [times, max, min, last];
  }

  /** The point that stands for a time: the last one before, unless a gap is in between. */
  at(time) {
    let at = this.points.length - 1;
    while (at > 0 && this.points[at].time > time) at -= 1;
    const point = this.points[at];
    return point && Math.abs(time - point.time) <= this.gap ? point : undefined;
  }

  series() {
    const edge = { show: this.banded, width: 0, points: { show: false } };
    const dash = this.faint ? [1, 3] : this.place > 2 ? [[2, 2], [6, 3]][this.place % 2] : undefined;
    const alpha = this.faint ? 0.7 : 1;
    return [edge, edge, { stroke: () => this.colour, width: 1.5, dash, alpha, points: { show: false } }];
  }
}

/** The lines of one plot. */
class Figure {
  constructor(raws, figure) {
    this.lines = raws.map((raw) => new Line(raw));
    this.unit = raws[0].unit && raws[0].unit !== "1" ? `\u00a0${raws[0].unit}` : "";
    this.extent = figure.querySelector(".extent");
    this.said = this.extent.innerHTML;
    this.legend = [...figure.querySelectorAll(".legend b")];
    this.plot = figure.querySelector(".plot");
    this.height = this.plot.clientHeight;
    this.figure = figure;
  }

  columns() {
    const tables = this.lines.map((line) => line.columns());
    this.figure.dataset.points = this.lines.reduce((sum, line) => sum + line.points.length, 0);
    return tables.length > 1 ? uPlot.join(tables) : tables[0];
  }

  range() {
    const start = end - span;
    const seen = this.lines.flatMap((line) => line.points).filter((point) => point.time >= start);
    const low = Math.min(...seen.map((point) => point.min));
    const high = Math.max(...seen.map((point) => point.max));
    if (!Number.isFinite(low)) return [0, 1];
    // As the server has it: what differs by the last digits of a float is a constant.
    const constant = high - low <= Math.abs(high) * 1e-9;
    const air = constant ? Math.max(Math.abs(high) * 0.05, 1) : (high - low) * AIR;
    return [low - air, high + air];
  }

  draw(cursor) {
    const banded = this.lines.map((line, i) => [line, i * 3 + 1]).filter(([line]) => line.banded);
    this.chart = new uPlot(
      {
        width: this.plot.clientWidth + DOT,
        height: this.height,
        padding: [0, DOT, 0, 0],
        legend: { show: false },
        axes: [{ show: false }, { show: false }],
        cursor: {
          sync: { key: cursor },
          drag: { x: false, y: false },
          y: false,
          points: { show: false },
        },
        scales: {
          x: { time: true, range: () => [(end - span) / 1000, end / 1000] },
          y: { range: () => this.range() },
        },
        series: [{}, ...this.lines.flatMap((line) => line.series())],
        bands: banded.map(([line, i]) => ({ series: [i, i + 1], fill: () => `${line.colour}29` })),
        hooks: {
          drawClear: [(u) => this.grid(u)],
          draw: [(u) => this.marks(u)],
          setCursor: [(u) => this.read(u.cursor.idx)],
        },
      },
      this.columns(),
      this.plot,
    );
    this.plot.classList.add("on");
  }

  /** Under the line: hours are fainter than values. */
  grid(u) {
    const { ctx, bbox } = u;
    const dense = devicePixelRatio;
    ctx.save();
    ctx.lineWidth = dense;
    ctx.strokeStyle = colour("line");
    const stroke = (...ends) => {
      ctx.beginPath();
      ctx.moveTo(ends[0], ends[1]);
      ctx.lineTo(ends[2], ends[3]);
      ctx.stroke();
    };
    ctx.setLineDash([dense, 3 * dense]);
    for (const tick of ticks()) {
      const x = Math.round(u.valToPos(tick / 1000, "x", true)) + 0.5;
      stroke(x, bbox.top, x, bbox.top + bbox.height);
    }
    ctx.setLineDash([]);
    for (const value of rounds(u.scales.y.min, u.scales.y.max)) {
      const y = Math.round(u.valToPos(value, "y", true)) + 0.5;
      stroke(bbox.left, y, bbox.left + bbox.width, y);
    }
    ctx.restore();
  }

  /** Over the line: value labels inside the plot, and the dots at the ends. */
  marks(u) {
    const { ctx, bbox } = u;
    const dense = devicePixelRatio;
    ctx.save();
    ctx.font = `${11 * dense}px ${getComputedStyle(document.body).fontFamily}`;
    ctx.textAlign = "left";
    ctx.textBaseline = "alphabetic";
    ctx.lineJoin = "round";
    ctx.lineWidth = 3 * dense;
    ctx.strokeStyle = colour("surface");
    ctx.fillStyle = colour("text-3");
    const shown = rounds(u.scales.y.min, u.scales.y.max)
      .map((value) => [number(value), u.valToPos(value, "y", true) - 4 * dense])
      .filter(([, y]) => y >= LETTERS * dense);
    // Where a chart says so, the highest label has the unit.
    if (this.figure.dataset.unit && shown.length > 0) shown.at(-1)[0] += this.unit;
    for (const [label, y] of shown) {
      ctx.strokeText(label, bbox.left, y);
      ctx.fillText(label, bbox.left, y);
    }
    for (const line of this.lines) {
      const point = line.points.at(-1);
      if (!point) continue;
      ctx.beginPath();
      const x = u.valToPos(point.time / 1000, "x", true);
      ctx.arc(x, u.valToPos(point.last, "y", true), 3.5 * dense, 0, 7);
      ctx.fillStyle = line.colour;
      ctx.lineWidth = 1.5 * dense;
      ctx.stroke();
      ctx.fill();
    }
    ctx.restore();
  }

  /** The value under the cursor takes the place of the extent; with a legend, the places there. */
  read(index) {
    const time = this.chart?.data[0][index] * 1000;
    const points = index == null ? [] : this.lines.map((line) => line.at(time));
    const text = (point, line) => {
      if (!point) return "";
      const spread = line.banded ? ` (${number(point.min)} to ${number(point.max)})` : "";
      return number(point.last) + this.unit + spread;
    };
    this.legend.forEach((place, i) => isolate(place, text(points[i], this.lines[i])));
    if (!points.some(Boolean)) {
      this.extent.innerHTML = this.said;
      return;
    }
    const value = this.legend.length > 0 ? "" : `  ${text(points[0], this.lines[0])}`;
    isolate(this.extent, clock.format(time) + value);
  }
}

function isolate(place, text) {
  const isolated = document.createElement("bdi");
  isolated.dir = "ltr";
  isolated.textContent = text;
  place.replaceChildren(isolated);
}

/** Multiples of 1, 2 or 5 times a power of ten, as the server chooses them. */
function rounds(low, high) {
  const rough = (high - low) / 5;
  const power = 10 ** Math.floor(Math.log10(rough));
  const part = rough / power;
  const step = (part <= 1 ? 1 : part <= 2 ? 2 : part <= 5 ? 5 : 10) * power;
  const list = [];
  const first = Math.ceil(low / step);
  for (let index = 0; index < ROUNDS; index += 1) {
    const value = (first + index) * step;
    if (value > high) break;
    list.push(value);
  }
  return list;
}

const labels = [...document.querySelectorAll(".axis text")].slice(1);
const known = data.dataset.ticks ? data.dataset.ticks.split(",").map(Number) : [];
function ticks() {
  return known.filter((tick) => tick >= end - span && tick <= end);
}

/** The time axis moves with the window. */
function moveAxis() {
  labels.forEach((label, i) => {
    const part = 100 * (1 - (end - known[i]) / span);
    label.setAttribute("x", `${part}%`);
    label.setAttribute("text-anchor", part > 97 ? "end" : "middle");
    label.setAttribute("visibility", part < 9 ? "hidden" : "visible");
  });
}

/** @type {Map<string, Figure>} */
const figures = new Map();
const raws = JSON.parse(data.textContent);
for (const figure of document.querySelectorAll("figure[data-signal]")) {
  const mine = raws.filter((one) => one.name === figure.dataset.signal && one.v.length > 0);
  if (mine.length > 0) figures.set(mine[0].name, new Figure(mine, figure));
}
for (const figure of figures.values()) figure.draw("page");

document.addEventListener("points", (event) => {
  for (const [name, time, value] of event.detail) figures.get(name)?.lines[0].add(time, value);
  moveAxis();
  for (const figure of figures.values()) figure.chart.setData(figure.columns());
});
new ResizeObserver(() => {
  for (const { chart, plot, height } of figures.values()) {
    chart.setSize({ width: plot.clientWidth + DOT, height });
  }
}).observe(document.getElementById("charts").parentElement);
for (const query of ["(prefers-color-scheme: dark)", "(prefers-contrast: more)"]) {
  matchMedia(query).addEventListener("change", () => {
    for (const { chart } of figures.values()) chart.redraw();
  });
}
