"""The mock server in a process of its own, and what is put into a page to hear what it plays."""
import base64
import json
import pathlib
import time

import numpy

from Browser.mock_process import MockProcess

PLAYED_RATE = 48_000

# Keeps what goes to the loudspeaker: a recorder beside each sound that the page plays, and for each message of the server the
# place in that sound at which it came. It works on any server, since nothing in the page knows of it; but the page's policy
# forbids modules from elsewhere, and must be off in pages that are heard.
RECORDER = """
class Recorder extends AudioWorkletProcessor {
  process([input]) {
    this.port.postMessage({frame: currentFrame, samples: input[0] ? input[0].slice() : null});
    return true;
  }
}
registerProcessor('test-recorder', Recorder);
"""
HOOKS = """
window.recorder ??= "";
window.heard = {samples: [], first: null, messages: [], context: null};
if (window.AudioNode) {
  const connect = AudioNode.prototype.connect;
  if (window.recorder) AudioNode.prototype.connect = function(target, ...rest) {
    const result = connect.call(this, target, ...rest);
    if (target instanceof AudioDestinationNode && this.context.sampleRate === %d) {
      const source = this, context = this.context;
      window.heard = {samples: [], first: null, messages: window.heard.messages, context};
      const here = window.heard;
      context.audioWorklet.addModule(URL.createObjectURL(new Blob([window.recorder], {type: 'text/javascript'}))).then(() => {
        const recorder = new AudioWorkletNode(context, 'test-recorder', {channelCount: 1, channelCountMode: 'explicit'});
        recorder.port.onmessage = ({data}) => {
          here.first ??= data.frame;
          if (here.samples.length < 60 * 375) here.samples.push(data.samples ?? new Float32Array(128));
        };
        connect.call(source, recorder);
        connect.call(recorder, context.destination);
      });
    }
    return result;
  };
}
const Plain = window.WebSocket;
window.WebSocket = class extends Plain {
  constructor(...values) {
    super(...values);
    window.lastSocket = this;
    this.addEventListener('message', ({data}) => {
      if (typeof data !== 'string') return;
      let message = {};
      try { message = JSON.parse(data); } catch {}
      const frame = window.heard.context ? Math.round(window.heard.context.currentTime * %d) : null;
      window.heard.messages.push({...message, frame, at: performance.now()});
    });
  }
};
""" % (PLAYED_RATE, PLAYED_RATE)
TAKE = """() => {
  const {samples, first} = window.heard;
  const all = new Float32Array(samples.length * 128);
  samples.forEach((block, index) => all.set(block, index * 128));
  const bytes = new Uint8Array(all.buffer);
  let text = '';
  for (let at = 0; at < bytes.length; at += 32768) text += String.fromCharCode(...bytes.subarray(at, at + 32768));
  return {first, data: btoa(text)};
}"""


def played(page):
    """What the page played so far: samples at 48 kHz, and the frame of the first one."""
    taken = page.evaluate(TAKE)
    return numpy.frombuffer(base64.b64decode(taken["data"]), numpy.float32), taken["first"] or 0


class Server(MockProcess):
    program = pathlib.Path(__file__).resolve().parent / "mock_server.py"

    @property
    def got(self):
        return self.mock("got")

    def heard(self):
        """What the server decoded, from -1 to 1, at 24 kHz."""
        return numpy.frombuffer(self.ask("heard", {}), numpy.int16) / 32768

    def until(self, condition, seconds=15):
        """Waits until what the server got fulfils a condition."""
        for _ in range(seconds * 20):
            got = self.got
            if condition(got):
                return got
            time.sleep(0.05)
        raise AssertionError(f"not within {seconds} s; the server got {json.dumps(self.got)[-2000:]}")
