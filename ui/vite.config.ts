import react from '@vitejs/plugin-react';
import path from 'node:path';
import { defineConfig } from 'vitest/config';
import { roomPackages, ROOMS } from './build/rooms.ts';
import { staticTheme } from './build/theme.ts';

const server = process.env['ONMARU_ADDRESS'] ?? 'http://127.0.0.1:8080';
const served = '^(/t/[^/]+)?/(api|fhir|rooms)/';

export default defineConfig({
  plugins: [roomPackages(), staticTheme(), react()],
  resolve: { alias: { '@shell': path.resolve(import.meta.dirname, 'src/index.ts') } },
  build: {
    outDir: '../src/onmaru/web/static',
    emptyOutDir: true,
    target: 'es2023',
    assetsInlineLimit: 0, // the page's policy forbids data: addresses
    modulePreload: { polyfill: false },
    sourcemap: false,
    chunkSizeWarningLimit: 700, // the charts, loaded with the first page that draws one
  },
  server: { fs: { allow: ['.', ROOMS] }, proxy: { [served]: { target: server } } },
  test: { include: ['test/**/*.test.ts'], environment: 'node', isolate: false },
});
