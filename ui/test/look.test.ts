import { existsSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import list from '../src/look/mantine.ts?raw';

const styles = path.resolve(import.meta.dirname, '../node_modules/@mantine/core/styles');
const sources = import.meta.glob<string>(['../src/**/*.tsx', '../../src/onmaru/rooms/*/ui/**/*.tsx'], {
  eager: true, query: '?raw', import: 'default',
});

/** Components without a style file of their own, and the files they are made of. */
const made: Record<string, readonly string[]> = {
  TextInput: ['Input'], Textarea: ['Input'], NativeSelect: ['Input'], PasswordInput: ['Input', 'PasswordInput'],
  Select: ['Input', 'Combobox', 'Popover'], MultiSelect: ['Input', 'Combobox', 'Popover'], Autocomplete: ['Input', 'Combobox'],
  Drawer: ['ModalBase', 'Overlay', 'Drawer'], Modal: ['ModalBase', 'Overlay', 'Modal'],
};

describe('styles of Mantine', () => {
  it.each(Object.entries(sources))('%s uses only components whose styles are shipped', (_file, source) => {
    for (const [, names] of source.matchAll(/import \{([^}]*)\} from '@mantine\/core'/g)) {
      for (const name of (names ?? '').split(',').map((one) => one.trim())) {
        for (const file of made[name] ?? [name]) {
          if (!existsSync(path.join(styles, `${file}.css`))) continue;
          expect(list, `${name} needs styles/${file}.layer.css in look/mantine.ts`).toContain(`/${file}.layer.css`);
        }
      }
    }
  });
});
