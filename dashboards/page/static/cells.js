// Cells of the table of calls. Texts are set as text, never as markup.
(() => {
  const NAMES = { n: "neutral", h: "happy", s: "sad", a: "angry", f: "fear", d: "disgust", u: "surprise" };

  const made = (tag, className, text) => {
    const element = document.createElement(tag);
    element.className = className;
    if (text !== undefined) element.textContent = text;
    return element;
  };

  const path = (data) => "/call/" + encodeURIComponent(data.session);

  window.affectClock = (ms) => {
    const s = Math.max(0, Math.floor(ms / 1000));
    const two = (n) => String(n).padStart(2, "0");
    const h = Math.floor(s / 3600);
    return h ? `${h}:${two(Math.floor(s / 60) % 60)}:${two(s % 60)}` : `${Math.floor(s / 60)}:${two(s % 60)}`;
  };

  window.affectLink = (p) => {
    const link = made("a", "cell-link", p.value);
    link.href = path(p.data);
    return link;
  };

  window.affectNeed = (p) => {
    const cell = made("span", "cell-need");
    const bar = made("span", "cell-bar");
    const width = Math.round(24 * p.value);
    [bar.style.width, bar.style.marginRight] = [`${width}px`, `${24 - width}px`]; // the numbers stand in a column
    cell.append(bar, made("span", "", p.value.toFixed(2)));
    return cell;
  };

  window.affectCue = (p) => {
    const cell = made("span", "cell-cue");
    const patch = made("span", "cell-patch");
    if (p.value) patch.style.background = `var(--${p.value})`;
    const text = p.value ? `${p.value} ${p.data.confidence.toFixed(2)}` : p.data.known ? "unsure" : "nothing to read";
    cell.append(patch, made("span", p.value ? "" : "cell-faint", text));
    return cell;
  };

  // A label a cell, the newest at the right; drawn as runs, with their lengths in words for a screen reader.
  window.affectStrip = (p) => {
    const strip = made("span", "cell-strip");
    const letters = p.value || "";
    const counts = {};
    for (let i = 0; i < letters.length; ) {
      let j = i;
      while (j < letters.length && letters[j] === letters[i]) j++;
      const name = NAMES[letters[i]];
      const run = made("span", name ? `cell-run run-${name}` : "cell-run run-none");
      run.style.width = `${((j - i) * 100) / 60}%`;
      if (name) counts[name] = (counts[name] || 0) + j - i;
      strip.append(run);
      i = j;
    }
    const words = Object.entries(counts).map(([name, n]) => `${name} ${n * 5} s`);
    strip.setAttribute("role", "img");
    strip.setAttribute("aria-label", words.length ? words.join(", ") : "no label yet");
    strip.title = strip.getAttribute("aria-label");
    return strip;
  };

  window.affectOpen = (event) => { window.location.assign(path(event.data)); };
  window.affectOpenOnEnter = (event) => { if (event.event.key === "Enter") window.affectOpen(event); };

  // Sends what stands in boxes. Before the page is connected events wait, and not in their order: this one is the last.
  const CONNECTED_MS = 50;
  const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
  const standsIn = (box) => (box.querySelector("input") ?? box).value;
  window.affectTyped = async (emit, ids) => {
    await pause(0); // a box that is being cleared
    if (!window.did_handshake) {
      while (!window.did_handshake) await pause(CONNECTED_MS);
      await pause(CONNECTED_MS);
    }
    emit(ids.map((id) => standsIn(getHtmlElement(id))));
  };

  // The chart of a party as a picture with the page's background.
  window.affectSaveChart = (id, name) => {
    const link = document.createElement("a");
    const backgroundColor = getComputedStyle(document.body).backgroundColor;
    link.href = getElement(id).chart.getDataURL({ type: "png", pixelRatio: 2, backgroundColor });
    link.download = name;
    link.click();
  };

  // The filter of the list of calls, which the way back from a call keeps.
  window.affectKeepFilter = (query) => {
    window.history.replaceState(window.history.state, "", window.location.pathname + query);
    window.sessionStorage.setItem("affect-filter", query);
  };
  window.affectAllCalls = (event) => {
    event.preventDefault();
    window.location.assign("/" + (window.sessionStorage.getItem("affect-filter") || ""));
  };
})();
