// The sound of the microphone as 16-bit PCM in blocks of 100 ms, each with the index of its first sample.
class Recorder extends AudioWorkletProcessor {
  constructor() {
    super();
    this.block = new Int16Array(Math.round(sampleRate / 10));
    this.filled = 0;
    this.sent = 0;
    this.recording = false;
    this.port.onmessage = ({ data }) => {
      if (data === "begin") {
        this.recording = true;
        this.port.postMessage({ zero: currentTime });
      } else {
        this.flush();
        this.recording = false;
        this.port.postMessage({ ended: true });
      }
    };
  }

  process([input]) {
    const samples = input[0];
    if (this.recording && samples) {
      for (const sample of samples) {
        this.block[this.filled++] = Math.max(-32768, Math.min(32767, Math.round(sample * 32768)));
        if (this.filled === this.block.length) this.flush();
      }
    }
    return true;
  }

  flush() {
    if (!this.filled) return;
    const pcm = this.block.slice(0, this.filled);
    this.port.postMessage({ at: this.sent, pcm }, [pcm.buffer]);
    this.sent += this.filled;
    this.filled = 0;
  }
}

registerProcessor("recorder", Recorder);
