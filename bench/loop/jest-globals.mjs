// What the exercises use of jest, for node's own runner: no package has to be installed.
import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it, test } from 'node:test';

const error = (thrown, wanted) => {
  if (wanted === undefined) return;
  if (typeof wanted === 'function') assert.ok(thrown instanceof wanted, `threw ${thrown}`);
  else if (wanted instanceof RegExp) assert.match(thrown.message, wanted);
  else if (wanted instanceof Error) assert.equal(thrown.message, wanted.message);
  else assert.ok(thrown.message.includes(wanted), `threw ${thrown.message}, not ${wanted}`);
};
const thrown = (action) => {
  try { action(); } catch (e) { return e; }
  return undefined;
};
const checks = (got) => ({
  toEqual: (wanted) => assert.deepEqual(got, wanted),
  toBe: (wanted) => assert.ok(Object.is(got, wanted), `${got} is not ${wanted}`),
  toBeNull: () => assert.equal(got, null),
  toBeDefined: () => assert.notEqual(got, undefined),
  toBeInstanceOf: (wanted) => assert.ok(got instanceof wanted),
  toMatch: (wanted) => assert.match(got, new RegExp(wanted)),
  toBeCloseTo: (wanted, digits = 2) => assert.ok(Math.abs(got - wanted) < 10 ** -digits / 2, `${got}, not ${wanted}`),
  toThrow: (wanted) => { const e = thrown(got); assert.ok(e, 'did not throw'); error(e, wanted); },
  toThrowError: (wanted) => { const e = thrown(got); assert.ok(e, 'did not throw'); error(e, wanted); },
});
const turned = (got) => ({
  toBe: (wanted) => assert.ok(!Object.is(got, wanted)),
  toEqual: (wanted) => assert.notDeepEqual(got, wanted),
  toThrow: () => assert.equal(thrown(got), undefined),
});
const expect = (got) => ({
  ...checks(got),
  not: turned(got),
  resolves: { toEqual: async (wanted) => assert.deepEqual(await got, wanted) },
  rejects: {
    toEqual: async (wanted) => assert.deepEqual(await got.then(() => assert.fail('resolved'), (e) => e), wanted),
  },
});

export { afterEach, beforeEach, describe, expect, it, test };
