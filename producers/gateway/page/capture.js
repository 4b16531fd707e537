// Camera and microphone to the gateway's plain WebSocket (docs/call-centre.md). Nothing is opened before consent.
const WANTED_HZ = 16000;
const LOWEST_HZ = 8000;
const HIGHEST_HZ = 48000;
const MOST_WAITING = 1 << 20; // bytes that the network has not taken; more is left out, and counts as missing
const LONGEST_SIDE = 640;
const QUALITY = 0.8;

const element = (id) => document.getElementById(id);
const [form, consent, camera, fps] = ["form", "consent", "camera", "fps"].map(element);
const [start, stop, status, level, preview] = ["start", "stop", "status", "level", "preview"].map(element);
const elapsed = element("elapsed");
const given = new URLSearchParams(location.hash.slice(1));
history.replaceState(null, "", location.pathname + location.search); // a token is not left in the address

let call = null;

consent.addEventListener("change", () => {
  start.disabled = !consent.checked || call !== null;
  if (!consent.checked) call?.withdraw();
});
form.addEventListener("submit", (event) => {
  event.preventDefault();
  if (consent.checked && !call) begin();
});
stop.addEventListener("click", () => call?.stop("Stopped."));
addEventListener("pagehide", () => call?.stop("Stopped."));

async function begin() {
  call = new Call();
  start.disabled = true;
  stop.disabled = false;
  for (const input of [camera, fps]) input.disabled = true;
  try {
    await call.open();
  } catch (error) {
    call?.close(explained(error));
  }
}

function explained(error) {
  if (error.name === "NotAllowedError") return "The browser was not allowed to use the microphone or the camera.";
  if (error.name === "NotFoundError") return "There is no microphone, or no camera.";
  return `It could not be started: ${error.message || error.name}.`;
}

class Call {
  async open() {
    status.textContent = "Opening the microphone…";
    const video = camera.checked && { width: { ideal: 640 }, height: { ideal: 480 } };
    this.media = await navigator.mediaDevices.getUserMedia({ audio: { channelCount: 1 }, video });
    if (call !== this) return this.release();
    for (const track of this.media.getTracks()) track.onended = () => this.stop("A device was taken away.");
    await this.listen();
    if (video) await this.look();
    if (call !== this) return this.release();
    this.connect();
  }

  async listen() {
    const opened = async (options) => {
      const context = new AudioContext(options);
      try {
        return [context, context.createMediaStreamSource(this.media)];
      } catch (error) { // some browsers do not resample a microphone
        await context.close();
        if (!options) throw error;
        return opened();
      }
    };
    let source;
    [this.context, source] = await opened({ sampleRate: WANTED_HZ });
    if (this.context.sampleRate < LOWEST_HZ || this.context.sampleRate > HIGHEST_HZ) {
      throw new Error(`the sound has ${this.context.sampleRate} Hz`);
    }
    await this.context.audioWorklet.addModule("capture/recorder.js");
    this.recorder = new AudioWorkletNode(this.context, "recorder", {
      numberOfOutputs: 0, channelCount: 1, channelCountMode: "explicit",
    });
    this.recorder.port.onmessage = ({ data }) => this.heard(data);
    source.connect(this.recorder);
    await this.context.resume();
  }

  async look() {
    preview.srcObject = this.media;
    preview.hidden = false;
    await preview.play();
    const shrink = Math.min(1, LONGEST_SIDE / Math.max(preview.videoWidth, preview.videoHeight));
    this.canvas = document.createElement("canvas");
    this.canvas.width = Math.round(preview.videoWidth * shrink);
    this.canvas.height = Math.round(preview.videoHeight * shrink);
  }

  connect() {
    status.textContent = "Connecting…";
    this.socket = new WebSocket(new URL("stream", location.href).href.replace(/^http/, "ws"));
    this.socket.binaryType = "arraybuffer";
    this.socket.onopen = () => this.send({
      type: "start",
      call_id: given.get("call") || `page-${crypto.randomUUID()}`,
      token: given.get("token") || "",
      tracks: this.tracks(),
    });
    this.socket.onmessage = ({ data }) => this.answered(JSON.parse(data));
    this.socket.onclose = () => this.close(this.reason || "The gateway refused the call, or ended it.");
  }

  tracks() {
    const party = given.get("party") || "customer";
    const sound = { party, encoding: "s16le", rate_hz: this.context.sampleRate };
    return this.canvas ? [sound, { party, encoding: "jpeg" }] : [sound];
  }

  answered(message) {
    if (message.type === "started") {
      this.send({ type: "consent", consent: "granted" });
      this.recorder.port.postMessage("begin");
    } else if (message.type === "refused") {
      this.reason = `The gateway refused the call (${message.reason}). A link admits one call.`;
    } else if (message.type === "ended") {
      this.socket.close(1000);
    }
  }

  heard(data) {
    if (data.zero !== undefined) {
      this.zero = data.zero;
      status.textContent = "Capturing.";
      const wanted = Math.max(1, Math.min(15, Number(fps.value) || 5));
      if (this.canvas) this.timer = setInterval(() => this.seen(), 1000 / wanted);
    } else if (data.ended) {
      this.send({ type: "stop" });
    } else {
      level.value = data.pcm.reduce((most, sample) => Math.max(most, Math.abs(sample)), 0) / 32768;
      const at = Math.round((data.at * 1000) / this.context.sampleRate);
      elapsed.value = Math.floor(at / 1000);
      this.frame(0, at, new Uint8Array(data.pcm.buffer));
    }
  }

  seen() {
    if (this.drawing || this.socket.bufferedAmount > MOST_WAITING / 4) return;
    const at = Math.round((this.context.currentTime - this.zero) * 1000);
    if (at < 0) return;
    this.drawing = true;
    this.canvas.getContext("2d").drawImage(preview, 0, 0, this.canvas.width, this.canvas.height);
    this.canvas.toBlob(async (blob) => {
      if (blob) this.frame(1, at, new Uint8Array(await blob.arrayBuffer()));
      this.drawing = false;
    }, "image/jpeg", QUALITY);
  }

  frame(track, at, body) {
    if (this.socket?.readyState !== WebSocket.OPEN || this.socket.bufferedAmount > MOST_WAITING) return;
    const message = new Uint8Array(9 + body.length);
    message[0] = track;
    new DataView(message.buffer).setBigUint64(1, BigInt(at));
    message.set(body, 9);
    this.socket.send(message);
  }

  send(message) {
    if (this.socket?.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(message));
  }

  stop(reason) {
    this.reason = reason;
    clearInterval(this.timer);
    if (this.zero === undefined) return this.close(reason);
    this.recorder.port.postMessage("end"); // what is left of the sound goes before the end of the stream
    this.media.getTracks().forEach((track) => track.stop());
    setTimeout(() => this.close(reason), 2000);
  }

  withdraw() {
    this.send({ type: "consent", consent: "withdrawn" });
    this.close("Stopped: consent was withdrawn.");
  }

  close(reason) {
    if (call !== this) return;
    call = null;
    this.release();
    status.textContent = reason;
    start.disabled = !consent.checked;
    stop.disabled = true;
    for (const input of [camera, fps]) input.disabled = false;
  }

  release() {
    clearInterval(this.timer);
    this.media?.getTracks().forEach((track) => track.stop());
    if (this.context?.state !== "closed") this.context?.close();
    this.socket?.close();
    preview.srcObject = null;
    preview.hidden = true;
    level.value = 0;
    elapsed.value = 0;
  }
}
