/** The shell's own pages, offered exactly like a room's. */
import type { RoomUi } from '../room';

export const shell: RoomUi = { name: 'shell', routes: [], nav: [], strings: { ko: {}, en: {} } };
