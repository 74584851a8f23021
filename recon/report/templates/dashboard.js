// Shows chosen accounts and days. The page without it shows all of them; the figures, forms and
// drawings are those of dashboard_layout.py, dashboard_view.py and bar_charts.py.
"use strict";
(() => {
  const page = JSON.parse(document.getElementById("data").textContent);
  const { layout, accounts, reasons, kinds } = page;
  const DAY = 86400000;
  const ERROR = 1e-6;
  const first = Date.parse(page.first);
  const by = (id) => document.getElementById(id);

  // Days and how they are written.
  const iso = (at) => new Date(first + at * DAY).toISOString().slice(0, 10);
  const place = (text) => Math.round((Date.parse(text) - first) / DAY);
  const weekday = (at) => new Date(first + at * DAY).toLocaleDateString("en", { weekday: "short", timeZone: "UTC" });
  const written = (value, form) => {
    if (value === null) return "–";
    const grouped = (number, digits) =>
      number.toLocaleString("en", { minimumFractionDigits: digits, maximumFractionDigits: digits });
    if (form === "count") return grouped(value, 0);
    if (form === "money") return grouped(Math.floor(value * 100 + 0.5 + ERROR) / 100, 2);
    if (form === "covered") return (Math.floor(value * 1000 + ERROR) / 10).toFixed(1) + "%";
    if (value > 0 && value < 0.001) return "<0.1%";
    if (value > 0.999 && value < 1) return ">99.9%";
    return (Math.floor(value * 1000 + 0.5 + ERROR) / 10).toFixed(1) + "%";
  };

  // Columns are texts: see dashboard_data.py. One value is that of all days.
  const column = (text, unit = 1) =>
    text.split(",").map((one) => (one === "-" ? null : one ? parseInt(one, 36) / unit : 0));
  const columns = (texts) => Object.fromEntries(Object.entries(texts).map(
    ([key, text]) => [key, column(text, layout.money.includes(key) ? layout.money_unit : 1)]));
  page.seconds = column(page.seconds);
  for (const account of accounts) {
    for (const key of ["columns", "reasons", "findings"]) account[key] = columns(account[key]);
    account.uncovered = column(account.uncovered);
  }
  const at = (values, day) => values[values.length === 1 ? 0 : day];

  // Sums.
  const nothing = () => ({ counts: {}, reasons: {}, findings: {}, seconds: 0, covered: 0, isProven: false });
  const add = (sum, account, day) => {
    const put = (into, from) => {
      for (const key in from) into[key] = (into[key] || 0) + at(from[key], day);
    };
    put(sum.counts, account.columns);
    put(sum.reasons, account.reasons);
    put(sum.findings, account.findings);
    const uncovered = at(account.uncovered, day);
    if (uncovered !== null) {
      sum.isProven = true;
      sum.seconds += at(page.seconds, day);
      sum.covered += Math.max(at(page.seconds, day) - uncovered, 0);
    }
  };
  const ratio = (part, whole) => (whole ? part / whole : null);
  const values = (sum) => {
    const count = (key) => sum.counts[key] || 0;
    const reached = count("delivered") + count("read") + count("deleted");
    const final = reached + count("failed");
    const total = final + count("sent") + count("unknown");
    const isKnown = total > 0 || sum.covered > 0;
    const covered = sum.isProven ? ratio(sum.covered, sum.seconds) : null;
    const found = { isKnown, ...sum.counts };
    for (const key of layout.keys) found[key] = count(key);
    Object.assign(found, { total, reached });
    if (!isKnown) for (const key of layout.of_messages) found[key] = null;
    return Object.assign(found, {
      failure_rate: ratio(count("failed"), final),
      delivered_rate: ratio(reached, final),
      read_rate: ratio(count("read"), reached),
      covered,
      not_covered: covered === null ? null : 1 - covered,
      open: Object.values(sum.findings).reduce((one, other) => one + other, 0),
      requests: count("list") + count("status"),
    });
  };

  // The days of each bar.
  const periods = (from, to) => {
    const length = to - from + 1;
    const unit = length <= layout.most_days ? "day" : length <= layout.most_days_of_weeks ? "week" : "month";
    const spans = [];
    for (let day = from; day <= to; day++) {
      const date = new Date(first + day * DAY);
      const begins = unit === "day" || (unit === "week" ? date.getUTCDay() === 1 : date.getUTCDate() === 1);
      if (begins || !spans.length) spans.push([day, day]);
      spans[spans.length - 1][1] = day;
    }
    return [unit, spans];
  };
  const title = ([from, to]) => (from === to ? `${weekday(from)} ${iso(from)}` : `${iso(from)} to ${iso(to)}`);

  // Drawings.
  const top = (most, least) => {
    if (most <= least) return least;
    let unit = 1;
    while (unit * 10 <= most) unit *= 10;
    while (unit > most) unit /= 10;
    return unit * [1, 2, 3, 4, 5, 6, 8, 10].find((step) => unit * step >= most);
  };
  const short = (number) => String(Math.floor(number * 10 + 0.5) / 10);
  const bar = (x, y, width, height) => `M${short(x)} ${short(y)}h${short(width)}v${short(height)}H${short(x)}z`;
  const slots = (count, parts) => {
    const step = 1000 / Math.max(count, 7);
    return [step, (step - Math.min(step * 0.2, 4)) / parts];
  };
  const paths = (series, scale, isStacked) => {
    const [step, width] = slots(series[0].length, isStacked ? 1 : series.length);
    const below = series[0].map(() => 0);
    return series.map((values, nth) => values.map((value, n) => {
      if (!value) return "";
      if (!isStacked) {
        const height = Math.max((100 * value) / scale, 0.8);
        return bar(n * step + nth * width, 100 - height, width, height);
      }
      const height = (100 * value) / scale;
      const path = bar(n * step, 100 - below[n] - height, width, height);
      below[n] += height;
      return path;
    }).join(""));
  };

  // Parts of the page. All text goes in as text, never as markup.
  const element = (name, attributes, ...children) => {
    const made = document.createElement(name);
    for (const key in attributes) made.setAttribute(key, attributes[key]);
    made.append(...children);
    return made;
  };
  const row = (head, cells, classes) =>
    element("tr", {}, element("th", { scope: "row" }, head),
      ...cells.map((cell, n) => element("td", (classes && !classes[n]) ? {} : { class: "figure" }, cell)));
  const fill = (table, rows) => by(table).tBodies[0].replaceChildren(...rows);

  const chart = (spec, figures, titles, unit, from, to) => {
    const series = spec.drawn.map(({ key }) => figures.map((one) => one[key]));
    const heights = figures.map((one) => {
      const parts = spec.drawn.map((column) => one[column.key] || 0);
      return spec.is_stacked ? parts.reduce((a, b) => a + b, 0) : Math.max(...parts);
    });
    const scale = top(Math.max(...heights), layout.least_top[spec.form]);
    const figure = by(`chart-${spec.name}`);
    const svg = figure.querySelector("svg");
    svg.querySelector("title").textContent = `${spec.title} by ${unit}; the table below has the figures`;
    const drawn = svg.querySelectorAll("path[class^='t-']:not(.gaps)");
    paths(series, scale, spec.is_stacked).forEach((path, n) => drawn[n].setAttribute("d", path));
    if (spec.marks_gaps) {
      const [step, width] = slots(figures.length, 1);
      svg.querySelector(".gaps").setAttribute("d",
        figures.map((one, n) => ((one.covered || 0) < 1 ? bar(n * step, 104, width, 6) : "")).join(""));
    }
    figure.querySelector(".top").textContent = written(scale, spec.form);
    const [left, right] = figure.querySelectorAll(".axis span");
    left.textContent = iso(from);
    right.textContent = iso(to);
    const table = by(`table-${spec.name}`);
    table.tHead.rows[0].cells[0].textContent = unit;
    fill(table.id, figures.map((one, n) =>
      row(titles[n], spec.columns.map((column) => written(one[column.key], column.form)))).reverse());
    clear(figure);
  };

  // What a pointer is over, read from the table.
  const clear = (figure) => {
    figure.querySelector(".cursor").setAttribute("width", "0");
    figure.querySelector(".readout").textContent = layout.how_to_read;
  };
  const point = (spec, event) => {
    const figure = by(`chart-${spec.name}`);
    const table = by(`table-${spec.name}`);
    const rows = table.tBodies[0].rows;
    const box = figure.querySelector("svg").getBoundingClientRect();
    const [step] = slots(rows.length, 1);
    const n = Math.floor(((event.clientX - box.left) / box.width) * (1000 / step));
    if (n < 0 || n >= rows.length) return clear(figure);
    const cursor = figure.querySelector(".cursor");
    cursor.setAttribute("x", String(n * step));
    cursor.setAttribute("width", String(step));
    const cells = [...rows[rows.length - 1 - n].cells].map((cell) => cell.textContent);
    const heads = [...table.tHead.rows[0].cells].map((cell) => cell.textContent);
    figure.querySelector(".readout").textContent =
      `${cells[0]}: ${cells.slice(1).map((cell, m) => `${heads[m + 1]} ${cell}`).join(", ")}`;
  };

  const show = () => {
    const { chosen, from, to } = state;
    const some = chosen === null ? accounts : [accounts[chosen]];
    const [unit, spans] = periods(from, to);
    const whole = nothing();
    const parts = spans.map(nothing);
    const each = accounts.map(nothing);
    accounts.forEach((account, n) => {
      spans.forEach(([start, end], nth) => {
        for (let day = start; day <= end; day++) {
          add(each[n], account, day);
          if (!some.includes(account)) continue;
          add(parts[nth], account, day);
          add(whole, account, day);
        }
      });
    });
    const every = values(whole);
    const figures = parts.map(values);
    const titles = spans.map(title);

    const named = chosen === null ? layout.all_accounts : accounts[chosen].name;
    const length = to - from + 1;
    by("scope").textContent = `${named}, ${iso(from)} to ${iso(to)} (${length} day${length === 1 ? "" : "s"})`;
    by("nothing").hidden = every.isKnown;
    by("content").hidden = !every.isKnown;

    document.querySelectorAll(".tiles div").forEach((tile, n) => {
      const { column, notes } = layout.tiles[n];
      tile.querySelector(".value").textContent = written(every[column.key], column.form);
      if (notes.length) {
        tile.querySelector(".notes").textContent =
          notes.map((note) => `${written(every[note.key], note.form)} ${note.title}`).join(", ");
      }
    });
    const counts = [every.total, ...layout.statuses.map((key) => every[key])].map((count) => count || 0);
    document.querySelectorAll("#statuses b").forEach((b, n) => { b.textContent = written(counts[n], "count"); });
    document.querySelectorAll(".bar i").forEach((i, n) => {
      i.style.flexGrow = String(counts[n + 1]);
      i.hidden = !counts[n + 1];
    });
    layout.charts.forEach((spec) => chart(spec, figures, titles, unit, from, to));

    const ranked = Object.entries(whole.reasons).filter(([, count]) => count)
      .map(([key, count]) => [Number(key), count]).sort((a, b) => b[1] - a[1] || a[0] - b[0]);
    const others = ranked.slice(layout.most_reasons).reduce((sum, [, count]) => sum + count, whole.counts.other_reasons || 0);
    const shown = ranked.slice(0, layout.most_reasons).map(([n, count]) => [...reasons[n], count]);
    if (others) shown.push([...layout.other_reasons, others]);
    by("s-reasons").hidden = !shown.length;
    fill("reasons", shown.map(([reason, meaning, count]) => {
      const share = written(count / (whole.counts.failed || count), "share");
      const line = row(reason, [written(count, "count"), share]);
      if (meaning) line.cells[0].append(element("small", {}, meaning));
      return line;
    }));
    const open = kinds.filter(([kind]) => whole.findings[kind]);
    by("s-kinds").hidden = !open.length;
    fill("kinds", open.map(([kind, name, meaning]) =>
      row(name, [meaning, written(whole.findings[kind], "count")], [false, true])));
    [...by("accounts").tBodies[0].rows].forEach((line, n) => {
      const figures = values(each[n]);
      line.querySelector("button").setAttribute("aria-pressed", String(n === chosen));
      layout.account_columns.forEach((column, m) => {
        line.cells[m + 1].textContent = written(figures[column.key], column.form);
      });
    });
  };

  // What is chosen; the address keeps it after its #, so that it can be kept and sent.
  const last = page.days - 1;
  const state = { chosen: null, from: 0, to: last };
  const read = () => {
    const asked = new URLSearchParams(location.hash.slice(1));
    const chosen = accounts.findIndex((account) => account.name === asked.get("account"));
    const day = (name, otherwise) => {
      const found = place(asked.get(name) || "");
      return Number.isNaN(found) ? otherwise : Math.min(Math.max(found, 0), last);
    };
    Object.assign(state, { chosen: chosen < 0 ? null : chosen, from: day("from", 0), to: day("to", last) });
    if (state.from > state.to) Object.assign(state, { from: 0, to: last });
    const length = state.to - state.from + 1;
    const preset = [...by("period").options].map((option) => option.value)
      .find((value) => state.to === last && length === Number(value || page.days));
    by("account").selectedIndex = state.chosen === null ? 0 : state.chosen + 1;
    by("period").value = preset === undefined ? "own" : preset;
    by("from").value = iso(state.from);
    by("to").value = iso(state.to);
    show();
  };
  const choose = (changes) => {
    Object.assign(state, changes);
    const asked = new URLSearchParams();
    if (state.chosen !== null) asked.set("account", accounts[state.chosen].name);
    if (state.from !== 0) asked.set("from", iso(state.from));
    if (state.to !== last) asked.set("to", iso(state.to));
    const hash = asked.toString();
    history.replaceState(null, "", `${location.href.split("#")[0]}${hash && `#${hash}`}`);
    read();
  };

  by("account").addEventListener("change", (event) => {
    const n = event.target.selectedIndex - 1;
    choose({ chosen: n < 0 ? null : n });
  });
  by("period").addEventListener("change", (event) => {
    if (event.target.value === "own") return by("from").focus();
    const count = Number(event.target.value || page.days);
    choose({ from: Math.max(page.days - count, 0), to: last });
  });
  const dates = () => {
    const [from, to] = [place(by("from").value), place(by("to").value)];
    if (from >= 0 && from <= to && to <= last) choose({ from, to });
  };
  by("from").addEventListener("change", dates);
  by("to").addEventListener("change", dates);
  by("filter").addEventListener("reset", (event) => {
    event.preventDefault();
    choose({ chosen: null, from: 0, to: last });
  });
  by("filter").addEventListener("submit", (event) => event.preventDefault());
  addEventListener("hashchange", read);
  for (const spec of layout.charts) {
    const figure = by(`chart-${spec.name}`);
    figure.querySelector(".readout").hidden = false;
    for (const name of ["pointermove", "pointerdown"]) {
      figure.querySelector("svg").addEventListener(name, (event) => point(spec, event));
    }
    figure.addEventListener("pointerleave", () => clear(figure));
  }
  [...by("accounts").tBodies[0].rows].forEach((line, n) => {
    const name = element("button", { type: "button", class: "account" }, accounts[n].name);
    name.addEventListener("click", () => choose({ chosen: n === state.chosen ? null : n }));
    line.cells[0].replaceChildren(name);
  });
  by("filter").hidden = false;
  read();
})();
