/// <reference types="node" />

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

const ROOT = join(process.cwd(), 'src_ts');
const FILES = readdirSync(ROOT, { recursive: true, encoding: 'utf8' }).filter(
  (name) => name.endsWith('.ts') && !name.endsWith('.test.ts'),
);
const text = (name: string): string => readFileSync(join(ROOT, name), 'utf8');

/** Each folder may import from those before it. */
const LAYERS = ['protocol', 'state', 'dom', 'charts', 'client', 'panel', 'widget', 'lab'];

const layerOf = (name: string): number => LAYERS.indexOf(name.split(/[\\/]/)[0] ?? '');
const importsOf = (name: string): string[] =>
  [...text(name).matchAll(/from '\.\.\/(\w+)\//g)].map(([, folder]) => folder ?? '');

function mayImport(name: string, folder: string): boolean {
  const isHost = folder === 'widget' || folder === 'lab';
  return !isHost && LAYERS.indexOf(folder) <= layerOf(name) && LAYERS.includes(folder);
}

describe('the sources', () => {
  it('never make HTML from text', () => {
    expect(FILES.length).toBeGreaterThan(50);
    const forbidden =
      /innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function/;
    expect(FILES.filter((name) => forbidden.test(text(name)))).toEqual([]);
  });

  it('know Jupyter in one place only', () => {
    const users = FILES.filter((name) => /from '@(jupyterlab|lumino)\//.test(text(name)));
    expect(users.length).toBeGreaterThan(0);
    expect(users.filter((name) => !name.startsWith('lab'))).toEqual([]);
  });

  it('import from lower layers only', () => {
    const wrong = FILES.flatMap((name) => importsOf(name).map((other) => [name, other] as const))
      .filter(([name, other]) => layerOf(name) >= 0 && !mayImport(name, other))
      .map(([name, other]) => `${name} imports from ${other}`);
    expect(wrong).toEqual([]);
  });

  it('are short enough to be read', () => {
    const long = FILES.filter((name) => text(name).split('\n').length > 320);
    expect(long).toEqual([]);
  });
});
