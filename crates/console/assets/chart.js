// Draws the charts anew so that one can point into them, and appends what the stream brings. The
// server's drawing stands until then, and has the same scales.
const data = document.getElementById("points");
const locale = document.documentElement.lang;
const zone = data.dataset.zone;
const span = data.dataset.to - data.dataset.from;
const column = span / data.dataset.columns;
const HEIGHT = 136;
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

/** One signal: its columns as uPlot wants them, and a null after what a gap follows. */
class Signal {
  constructor(raw, figure) {
    const unit = 10 ** -raw.scale;
    this.unit = raw.unit && raw.unit !== "1" ? `\u00a0${raw.unit}` : "";
    this.gap = raw.gap;
    this.banded = raw.lo.length > 0;
    const values = sums(raw.v);
    this.points = sums(raw.t).map((step, i) => ({
      time: raw.start + step * raw.tick,
      last: values[i] * unit,
      min: (values[i] - (raw.lo[i] ?? 0)) * unit,
      max: (values[i] + (raw.hi[i] ?? 0)) * unit,
    }));
    this.extent = figure.querySelector(".extent");
    this.said = this.extent.innerHTML;
    this.plot = figure.querySelector(".plot");
    this.figure = figure;
    this.count();
  }

  count() {
    this.figure.dataset.points = this.points.length;
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
    this.count();
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

  range() {
    const start = end - span;
    const seen = this.points.filter((point) => point.time >= start);
    const low = Math.min(...seen.map((point) => point.min));
    const high = Math.max(...seen.map((point) => point.max));
    if (!Number.isFinite(low)) return [0, 1];
    // As the server has it: what differs by the last digits of a float is a constant.
    const constant = high - low <= Math.abs(high) * 1e-9;
    const air = constant ? Math.max(Math.abs(high) * 0.05, 1) : (high - low) * AIR;
    return [low - air, high + air];
  }

  draw(cursor) {
    this.chart = new uPlot(
      {
        width: this.plot.clientWidth + DOT,
        height: HEIGHT,
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
        series: [
          {},
          { show: this.banded, width: 0, points: { show: false } },
          { show: this.banded, width: 0, points: { show: false } },
          { stroke: () => colour("series-1"), width: 1.5, points: { show: false } },
        ],
        bands: this.banded ? [{ series: [1, 2], fill: () => `${colour("series-1")}29` }] : [],
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

  /** Over the line: value labels inside the plot, and the dot at the end. */
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
    for (const value of rounds(u.scales.y.min, u.scales.y.max)) {
      const y = u.valToPos(value, "y", true) - 4 * dense;
      if (y < LETTERS * dense) continue;
      ctx.strokeText(number(value), bbox.left, y);
      ctx.fillText(number(value), bbox.left, y);
    }
    const point = this.points.at(-1);
    if (point) {
      ctx.beginPath();
      const x = u.valToPos(point.time / 1000, "x", true);
      ctx.arc(x, u.valToPos(point.last, "y", true), 3.5 * dense, 0, 7);
      ctx.fillStyle = colour("series-1");
      ctx.lineWidth = 1.5 * dense;
      ctx.stroke();
      ctx.fill();
    }
    ctx.restore();
  }

  /** The value under the cursor takes the place of the extent. */
  read(index) {
    const [times, max, min, last] = this.chart?.data ?? [[]];
    if (index == null || last?.[index] == null) {
      this.extent.innerHTML = this.said;
      return;
    }
    const spread = this.banded ? ` (${number(min[index])} to ${number(max[index])})` : "";
    const isolated = document.createElement("bdi");
    isolated.dir = "ltr";
    const time = clock.format(times[index] * 1000);
    isolated.textContent = `${time}  ${number(last[index])}${this.unit}${spread}`;
    this.extent.replaceChildren(isolated);
  }
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

const signals = new Map();
const raws = JSON.parse(data.textContent);
for (const figure of document.querySelectorAll("figure[data-signal]")) {
  const raw = raws.find((one) => one.name === figure.dataset.signal);
  if (raw && raw.v.length > 0) signals.set(raw.name, new Signal(raw, figure));
}
for (const signal of signals.values()) signal.draw("page");

function redraw(signal) {
  signal.chart.setData(signal.columns());
}

document.addEventListener("points", (event) => {
  for (const [name, time, value] of event.detail) signals.get(name)?.add(time, value);
  moveAxis();
  for (const signal of signals.values()) redraw(signal);
});
new ResizeObserver(() => {
  for (const { chart, plot } of signals.values()) {
    chart.setSize({ width: plot.clientWidth + DOT, height: HEIGHT });
  }
}).observe(document.getElementById("charts").parentElement);
for (const query of ["(prefers-color-scheme: dark)", "(prefers-contrast: more)"]) {
  matchMedia(query).addEventListener("change", () => {
    for (const { chart } of signals.values()) chart.redraw();
  });
}
