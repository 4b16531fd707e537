// The sound of a call that goes on: parts are added to what plays as they are written, which interrupts nothing.
(() => {
  const TYPE = 'audio/mp4; codecs="flac"';
  const ASK_MS = 1000;
  const WATCH_MS = 5000; // whether what does not grow is still permitted
  const AHEAD_S = 30; // that is fetched before it is played
  const BEHIND_S = 60; // that is kept of what was played, once there is too much
  const MOST_S = 120; // that is kept: 12 MB, as browsers permit, at 48 kHz
  const NEAR_S = 0.05;
  const REFUSED = [401, 403, 404];
  const Source = window.ManagedMediaSource ?? window.MediaSource;

  const able = () => Source?.isTypeSupported(TYPE) ?? false;

  const ranges = (buffer) =>
    [...Array(buffer.buffered.length).keys()].map((i) => [buffer.buffered.start(i), buffer.buffered.end(i)]);

  // To where the sound is there from a time on without a gap.
  const reached = (buffer, at) =>
    ranges(buffer).find(([start, end]) => start - NEAR_S <= at && at <= end + NEAR_S)?.[1] ?? at;

  const changed = (buffer, change) =>
    new Promise((resolve) => {
      buffer.addEventListener("updateend", resolve, { once: true });
      change();
    });

  const trim = async (buffer, at) => {
    if (ranges(buffer).reduce((sum, [start, end]) => sum + end - start, 0) < MOST_S) return;
    if (at > BEHIND_S) await changed(buffer, () => buffer.remove(0, at - BEHIND_S));
    await changed(buffer, () => buffer.remove(at + AHEAD_S, Infinity));
  };

  const asked = async (url) => {
    const answer = await fetch(url);
    if (REFUSED.includes(answer.status)) throw new Refused((await answer.json()).detail);
    if (!answer.ok) throw new TypeError(`answered with ${answer.status}`); // as where nobody answers
    return answer;
  };

  class Refused extends Error {}

  // A while, or until somebody goes to another time.
  const awhile = (sound) =>
    new Promise((resolve) => {
      setTimeout(resolve, ASK_MS);
      sound.addEventListener("seeking", resolve, { once: true });
    });

  const fill = async (sound, buffer, { url, start_ms }, lengthS) => {
    for (;;) {
      const from = reached(buffer, sound.currentTime);
      if (from > sound.currentTime + AHEAD_S || from > lengthS - NEAR_S) return from;
      const part = await asked(`${url}/part?from_ms=${Math.round(start_ms + 1000 * from)}`);
      if (part.status !== 200) return from;
      const bytes = await part.arrayBuffer();
      await trim(buffer, sound.currentTime);
      await changed(buffer, () => {
        buffer.timestampOffset = from;
        buffer.appendBuffer(bytes);
      });
    }
  };

  const follow = async (sound, media, ticket) => {
    const buffer = media.addSourceBuffer(TYPE);
    let times = ticket;
    while (sound.isConnected) {
      try {
        if (times.grows) times = await (await asked(`${ticket.url}/times`)).json();
        const lengthS = (times.end_ms - ticket.start_ms) / 1000;
        const wasOver = sound.ended;
        if (media.readyState === "open" && !(media.duration >= lengthS)) media.duration = lengthS;
        const from = await fill(sound, buffer, ticket, lengthS);
        if (wasOver && from > sound.currentTime) sound.play();
        if (!times.grows && from > lengthS - NEAR_S && media.readyState === "open") media.endOfStream();
      } catch (error) {
        if (error instanceof Refused) return error.message;
        if (!(error instanceof TypeError) && !(error instanceof SyntaxError)) throw error; // no answer: once more
      }
      await awhile(sound);
    }
    return "";
  };

  // Play what a ticket opens; resolves with the reason where it is no longer permitted.
  const play = (sound, ticket) =>
    new Promise((resolve, reject) => {
      const media = new Source();
      media.addEventListener("sourceopen", () => follow(sound, media, ticket).then(resolve, reject), { once: true });
      sound.disableRemotePlayback = true; // which some browsers ask for
      sound.src = URL.createObjectURL(media);
    });

  // Resolves with the reason once what a ticket opens is no longer permitted.
  const watch = async (sound, ticket) => {
    while (sound.isConnected) {
      try {
        await asked(`${ticket.url}/times`);
      } catch (error) {
        if (error instanceof Refused) return error.message;
        if (!(error instanceof TypeError)) throw error; // no answer: once more
      }
      await new Promise((resolve) => setTimeout(resolve, WATCH_MS));
    }
    return "";
  };

  window.affectGrowing = { able, play, watch };
})();
