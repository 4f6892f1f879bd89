/** Pages of rooms lie outside this folder; what they import by name comes from this folder's packages. */
import path from 'node:path';
import type { Plugin } from 'vite';

const UI = path.resolve(import.meta.dirname, '..');
export const ROOMS = path.resolve(UI, '../src/onmaru/rooms');

export function roomPackages(): Plugin {
  return {
    name: 'onmaru-room-packages',
    enforce: 'pre',
    resolveId(source, importer, options) {
      if (!importer?.startsWith(ROOMS) || !/^[@a-z]/.test(source) || source.startsWith('@shell')) return undefined;
      return this.resolve(source, path.join(UI, 'src/index.ts'), { ...options, skipSelf: true });
    },
  };
}
