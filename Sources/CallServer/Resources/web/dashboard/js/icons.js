// Line icons on a 24 by 24 grid, drawn for this page. They are decoration: a text beside them or a label says what is meant.
import {s} from './dom.js';

const PATHS = {
  live: 'M4 12h3l2-6 4 12 3-9 1.5 3H20',
  history: 'M4 12a8 8 0 1 0 2.6-5.9M4 4v4h4M12 8v4.5l3 1.8',
  configuration: 'M4 7h9M17 7h3M4 17h3M11 17h9M15 5v4M9 15v4',
  health: 'M12 20s-7.5-4.6-7.5-10A4.3 4.3 0 0 1 12 7.4 4.3 4.3 0 0 1 19.5 10c0 5.4-7.5 10-7.5 10Z',
  setup: 'M9 6h11M9 12h11M9 18h11M4 6l1 1 1.6-2M4 12l1 1 1.6-2M4 18l1 1 1.6-2',
  phone: 'M6.5 3.5h3l1.4 4-2 1.6a12 12 0 0 0 6 6l1.6-2 4 1.4v3a2 2 0 0 1-2.2 2A17 17 0 0 1 4.5 5.7a2 2 0 0 1 2-2.2Z',
  hangup: 'M6.5 3.5h3l1.4 4-2 1.6a12 12 0 0 0 6 6l1.6-2 4 1.4v3a2 2 0 0 1-2.2 2A17 17 0 0 1 4.5 5.7a2 2 0 0 1 2-2.2Z',
  mute: 'M5 9.5v5h3l4.5 3.5v-12L8 9.5ZM16 10l4 4M20 10l-4 4',
  sound: 'M5 9.5v5h3l4.5 3.5v-12L8 9.5ZM16 9.5a4 4 0 0 1 0 5M18.5 7a7.5 7.5 0 0 1 0 10',
  hand:
    'M8 12V6.5a1.4 1.4 0 0 1 2.8 0V11m0-5.5a1.4 1.4 0 0 1 2.8 0V11m0-4a1.4 1.4 0 0 1 2.8 0v6.5c0 4-2 6.5-5.4 6.5-2.8 0-4.4-1.6-5.6-4.2L4 13.5a1.3 1.3 0 0 1 2.2-1.300L8 14.5',
  transfer: 'M4 8h13M13.5 4.5 17 8l-3.5 3.5M20 16H7M10.5 12.5 7 16l3.5 3.5',
  headphones: 'M4.5 14v-2a7.5 7.5 0 0 1 15 0v2M4.5 14h3v5.5h-1.5a1.5 1.5 0 0 1-1.5-1.5ZM19.5 14h-3v5.5H18a1.5 1.5 0 0 0 1.5-1.5Z',
  send: 'M4.5 12 20 4.5l-5 15-3.5-6Z M11.5 13.5l4-4.5',
  search: 'M10.5 17a6.5 6.5 0 1 1 0-13 6.5 6.5 0 0 1 0 13ZM15.5 15.5 20 20',
  download: 'M12 4v11M7.5 11l4.5 4.5 4.5-4.5M5 20h14',
  trash: 'M5 7h14M10 7V4.5h4V7M7 7l.8 12.5h8.4L17 7M10.5 10.5v5.5M13.5 10.5v5.5',
  refresh: 'M19.5 12a7.5 7.5 0 1 1-2.3-5.4M19.5 4v4.5H15',
  copy: 'M9 9h10.5v10.5H9ZM15 9V4.5H4.5V15H9',
  close: 'M6 6l12 12M18 6 6 18',
  back: 'M19 12H5M11 6l-6 6 6 6',
  down: 'M12 5v14M6 13l6 6 6-6',
  check: 'M5 12.5 10 17.5 19.5 7',
  alert: 'M12 4 2.8 20h18.4ZM12 10v4.5M12 17.2v.3',
  info: 'M12 20.5a8.5 8.5 0 1 1 0-17 8.5 8.5 0 0 1 0 17ZM12 11v5.5M12 7.6v.3',
  minus: 'M6 12h12',
  sun:
    'M12 16a4 4 0 1 1 0-8 4 4 0 0 1 0 8ZM12 2.5v2M12 19.5v2M2.5 12h2M19.5 12h2M5.3 5.300l1.4 1.4M17.3 17.300l1.4 1.4M5.3 18.700l1.4-1.4M17.3 6.700l1.4-1.4',
  moon: 'M19.5 14.5A8 8 0 0 1 9.5 4.5a8 8 0 1 0 10 10Z',
  system: 'M4 5h16v11H4ZM9 20h6M12 16v4',
  user: 'M12 12a4 4 0 1 1 0-8 4 4 0 0 1 0 8ZM4.5 20c.6-3.8 3.6-5.5 7.5-5.5s6.9 1.7 7.5 5.5',
  tool:
    'M14.5 6.5a4 4 0 0 1 5-2.2l-2.7 2.7.9 2.3 2.3.9 0 0a4 4 0 0 1-5.6 2.300l-6.5 6.700a1.9 1.9 0 0 1-2.7-2.700l6.7-6.5a4 4 0 0 1 2.6-3.5Z',
  pause: 'M8.5 5v14M15.5 5v14',
  play: 'M7.5 5v14l11-7Z',
  microphone: 'M12 14.5a3 3 0 0 1-3-3v-5a3 3 0 0 1 6 0v5a3 3 0 0 1-3 3ZM5.5 11.5a6.5 6.5 0 0 0 13 0M12 18v3M9 21h6',
  edit: 'M5 19l.8-3.800L16 5l3 3L8.8 18.2ZM14 7l3 3',
};

export function icon(name, size = 18) {
  return s('svg', {class: 'icon', viewBox: '0 0 24 24', width: size, height: size, 'aria-hidden': 'true', focusable: 'false'},
    s('path', {d: PATHS[name] ?? PATHS.info, transform: name === 'hangup' ? 'translate(0 3) rotate(135 12 12)' : null}));
}
