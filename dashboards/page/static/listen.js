// Listening along: a cursor in the charts and the turns that goes with the recorded sound.
(() => {
  const COURSE = 1; // the chart's grid of stacked probabilities
  const MOVED_MS = 500;
  const followed = new WeakSet(); // charts
  let startMs = 0; // of the sound
  let originMs = 0; // from which the charts and turns count

  const sound = () => document.getElementById("call-sound");
  const seconds = (text) => text.split(":").reduce((sum, part) => 60 * sum + Number(part), 0);
  const newest = (times, at) => times.findLastIndex((time) => seconds(time) <= at);

  const charts = () =>
    [...document.querySelectorAll(".call-chart")]
      .map((element) => [element, getElement(Number(element.id.slice(1)))?.chart])
      .filter(([, chart]) => chart?.getOption()?.xAxis?.length > COURSE);

  const times = (chart) => chart.getOption().xAxis[COURSE].data;

  const draw = () => {
    if (!sound()) return;
    const at = (startMs - originMs) / 1000 + sound().currentTime;
    for (const [element, chart] of charts()) {
      const place = newest(times(chart), at);
      const x = place < 0 ? NaN : chart.convertToPixel({ xAxisIndex: COURSE }, place);
      let cursor = element.parentElement.querySelector(".call-cursor");
      if (!cursor) {
        cursor = document.createElement("div");
        cursor.className = "call-cursor";
        element.after(cursor);
      }
      cursor.hidden = !chart.containPixel({ gridIndex: COURSE }, [x, chart.getHeight() / 2]);
      cursor.style.left = `${element.offsetLeft + x}px`;
      cursor.style.top = `${element.offsetTop}px`;
      cursor.style.height = `${element.offsetHeight}px`;
      cursor.dataset.at = place < 0 ? "" : times(chart)[place];
    }
    const rows = [...document.querySelectorAll(".call-turns tbody tr")];
    const now = newest(rows.map((row) => row.querySelector("button")?.textContent.trim() ?? "x"), at);
    rows.forEach((row, i) => row.toggleAttribute("data-now", i === now));
  };

  const seek = (ms) => {
    if (sound()) sound().currentTime = Math.max(0, (ms - startMs) / 1000);
  };

  const follow = () => {
    for (const [, chart] of charts()) {
      if (followed.has(chart)) continue;
      followed.add(chart);
      chart.getZr().on("click", (event) => {
        const place = Math.round(chart.convertFromPixel({ xAxisIndex: COURSE }, event.offsetX));
        const time = times(chart)[place];
        if (time !== undefined) seek(1000 * seconds(time) + originMs);
      });
    }
  };

  // A call that goes on: its charts change under the cursor, and a party may come later.
  const grow = async (ticket) => {
    const moving = setInterval(() => (follow(), draw()), MOVED_MS);
    const refusal = await affectGrowing.play(sound(), ticket);
    clearInterval(moving);
    return refusal;
  };

  const whole = (ticket) => {
    sound().src = `${ticket.url}?end_ms=${ticket.end_ms}`;
    return affectGrowing.watch(sound(), ticket);
  };

  const silence = (why) => {
    document.getElementById("call-sound-note").textContent = `${why[0].toUpperCase()}${why.slice(1)}.`;
    sound().removeAttribute("src");
    sound().load();
    document.querySelectorAll(".call-cursor").forEach((cursor) => cursor.remove());
  };

  const begin = (ticket, origin) => {
    [startMs, originMs] = [ticket.start_ms, origin];
    follow();
    for (const name of ["timeupdate", "seeked", "loadedmetadata"]) sound().addEventListener(name, draw);
    const over = ticket.grows && affectGrowing.able() ? grow(ticket) : whole(ticket);
    over.then((refusal) => {
      if (refusal) silence(refusal);
    });
    sound().focus();
    sound().play().catch(() => {}); // where the browser wants another click first
  };

  window.affectListen = { begin, seek };
})();
