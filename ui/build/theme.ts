/** Mantine's CSS variables as a static file: a page under `style-src 'self'` may not write <style> elements. */
import { convertCssVariables, DEFAULT_THEME, defaultCssVariablesResolver, mergeMantineTheme } from '@mantine/core';
import type { Plugin } from 'vite';
import { theme } from '../src/look/theme.ts';

const NAME = 'virtual:theme.css';

function variables(): ReturnType<typeof defaultCssVariablesResolver> {
  const made = defaultCssVariablesResolver(mergeMantineTheme(DEFAULT_THEME, theme));
  made.light['--mantine-color-scheme'] = 'light';
  made.dark['--mantine-color-scheme'] = 'dark';
  for (const scheme of [made.light, made.dark]) {
    scheme['--mantine-color-dimmed'] = 'var(--house-quiet)';
    scheme['--mantine-color-placeholder'] = 'var(--house-faint)';
  }
  return made;
}

export function staticTheme(): Plugin {
  return {
    name: 'onmaru-static-theme',
    resolveId: (id) => (id === NAME ? `\0${NAME}` : undefined),
    load: (id) =>
      id === `\0${NAME}` ? convertCssVariables(variables(), ':root') : undefined,
  };
}
