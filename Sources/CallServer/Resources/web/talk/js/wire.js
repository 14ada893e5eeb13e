// The WebSocket of one call.
import {parse} from './protocol.js';

const UPLINK_MOST =
  16_384;  // bytes that may wait to be sent, about four seconds of voice; packets beyond are dropped and counted

export class Wire {
  counts = {sent: 0, sentBytes: 0, received: 0, receivedBytes: 0, dropped: 0, odd: 0};

  /** @param on `open()`, `message(object)`, `packet(ArrayBuffer)`, `closed(code, reason)` */
  constructor(path, on) {
    const socket = this.socket = new WebSocket(`${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}${path}`);
    socket.binaryType = 'arraybuffer';
    socket.onopen = () => on.open();
    socket.onclose = ({code, reason}) => on.closed(code, reason);
    socket.onmessage = ({data}) => {
      if (typeof data !== 'string') {
        this.counts.received += 1;
        this.counts.receivedBytes += data.byteLength;
        return on.packet(data);
      }
      const message = parse(data);
      if (message)
        on.message(message);
      else
        this.counts.odd += 1;
    };
  }

  send(message) {
    if (this.socket.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(message));
  }

  /** @param packet one Opus packet */
  sendPacket(packet) {
    if (this.socket.readyState !== WebSocket.OPEN) return;
    if (this.socket.bufferedAmount > UPLINK_MOST) {
      this.counts.dropped += 1;
      return;
    }
    this.counts.sent += 1;
    this.counts.sentBytes += packet.byteLength;
    this.socket.send(packet);
  }

  close(code) {
    this.socket.onmessage = null;
    this.socket.close(code);
  }
}
