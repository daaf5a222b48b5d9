/** A copy of the quick-start notebook in the user's folder. */

import type { Contents } from '@jupyterlab/services';
import notebook from '../../notebooks/quickstart.ipynb';

const NAME = 'synetune-quickstart';

/** Writes a copy under a name that is free; returns its path. */
export async function writeQuickstart(
  contents: Contents.IManager,
  folder: string,
): Promise<string> {
  const listing = await contents.get(folder, { content: true });
  const entries: unknown = listing.content;
  const taken = new Set(
    Array.isArray(entries) ? entries.map((entry: { name?: unknown }) => String(entry.name)) : [],
  );
  let name = `${NAME}.ipynb`;
  for (let i = 1; taken.has(name); i++) name = `${NAME}-${i}.ipynb`;
  const path = folder === '' ? name : `${folder}/${name}`;
  const saved = await contents.save(path, { type: 'notebook', format: 'json', content: notebook });
  return saved.path;
}
