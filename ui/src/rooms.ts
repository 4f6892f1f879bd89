/** The rooms' pages found at build time, in the order of their folders. */
import type { RoomUi } from './room';
import { learn } from './words/words';

const found = import.meta.glob<RoomUi>('../../src/onmaru/rooms/*/ui/index.tsx', { eager: true, import: 'default' });

export const rooms: readonly RoomUi[] = Object.keys(found)
  .sort()
  .map((file) => found[file] as RoomUi);

rooms.forEach((room) => learn(room.strings));
