// What the operations of every SDK share.

import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

// The packages stand in the target folder, not beside these scripts.
const require = createRequire(process.env.AISIX_NODE_FOLDER + '/');

export const load = (name) => import(pathToFileURL(require.resolve(name)));

export const plain = (value) => JSON.parse(JSON.stringify(value ?? null));

// The items of an iterable, as they would be printed.
export const collect = async (items) => {
  const all = [];
  for await (const item of items) all.push(plain(item));
  return all;
};

// A list that takes a kind only when it differs from the last one.
export const runs = () => {
  const kinds = [];
  return { kinds, saw: (kind) => kinds.at(-1) === kind || kinds.push(kind) };
};
