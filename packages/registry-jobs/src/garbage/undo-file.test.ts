import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { digestOf } from '@soci/oci';
import { afterAll, describe, expect, it } from 'vitest';
import { createUndoFile, readUndoFile } from './undo-file.ts';
import type { UndoEntry } from './undo-log.ts';

const folder = mkdtempSync(join(tmpdir(), 'undo-file-'));
afterAll(() => rmSync(folder, { recursive: true }));

const HEADER = { host: 'registry.example', createdAt: '2026-11-01T00:00:00.000Z' };

function manifest(text: string, tags: readonly string[] = []) {
  const content = new TextEncoder().encode(text);
  return { repository: 'team/app', digest: digestOf(content), mediaType: 'application/json', tags, content };
}

async function writeUndoFile(name: string) {
  const path = join(folder, name);
  const file = await createUndoFile(path, HEADER);
  for (const each of [manifest('{"a":1}'), manifest('{"b":2}', ['v1-soci'])]) await file.add(each);
  await file.commit();
  return path;
}

function contentsOf(entries: readonly UndoEntry[]) {
  return Promise.all(entries.map(async ({ after: _, read, ...entry }) => ({ ...entry, content: await read() })));
}

describe('an undo file', () => {
  it('keeps the bytes and tags of manifests', async () => {
    const { header, manifests } = await readUndoFile(await writeUndoFile('kept.jsonl'));
    expect(header).toEqual(HEADER);
    expect(await contentsOf(manifests)).toEqual([manifest('{"a":1}'), manifest('{"b":2}', ['v1-soci'])]);
  });

  it('has lines across the blocks that are read at a time', async () => {
    const path = join(folder, 'large.jsonl');
    const file = await createUndoFile(path, HEADER);
    const all = [900_000, 3_000_000, 10, 1_500_000].map((size) =>
      manifest(JSON.stringify({ ä: 'ö'.repeat(size / 2) })),
    );
    for (const each of all) await file.add(each);
    await file.commit();
    const { manifests } = await readUndoFile(path);
    expect((await contentsOf(manifests)).map(({ digest }) => digest)).toEqual(all.map(({ digest }) => digest));
    expect(Buffer.from((await manifests[1]?.read()) ?? []).equals(all[1]?.content ?? new Uint8Array())).toBe(true);
  });

  it('does not keep the contents in memory: a change is found when one is read', async () => {
    const path = await writeUndoFile('changed-later.jsonl');
    const { manifests } = await readUndoFile(path);
    writeFileSync(path, 'x'.repeat(10_000));
    await expect(manifests[1]?.read()).rejects.toMatchObject({ code: 'UNDO_INVALID' });
  });

  it('does not exist before it is complete, and leaves no draft', async () => {
    const path = join(folder, 'draft.jsonl');
    const file = await createUndoFile(path, HEADER);
    await file.add(manifest('{"a":1}'));
    expect(readdirSync(folder)).not.toContain('draft.jsonl');
    await file.discard();
    expect(readdirSync(folder).filter((name) => name.startsWith('draft'))).toEqual([]);
  });

  it('is not replaced', async () => {
    const path = await writeUndoFile('once.jsonl');
    const before = readFileSync(path);
    await expect(createUndoFile(path, HEADER)).rejects.toMatchObject({ code: 'UNDO_EXISTS' });
    const late = await createUndoFile(join(folder, 'late.jsonl'), HEADER);
    writeFileSync(join(folder, 'late.jsonl'), 'of another process');
    await expect(late.commit()).rejects.toMatchObject({ code: 'UNDO_EXISTS' });
    await late.discard();
    expect(readFileSync(path).equals(before)).toBe(true);
  });

  it.each([
    ['is cut after a line', (text: string) => `${text.split('\n').slice(0, 2).join('\n')}\n`, 'is incomplete'],
    ['is cut in a line', (text: string) => text.slice(0, 200), 'is not a JSON object'],
    ['lacks a line', (text: string) => text.split('\n').toSpliced(1, 1).join('\n'), 'is incomplete'],
    ['is changed', (text: string) => text.replace(/"content":"eyJ/, '"content":"eyK'), 'does not match'],
    ['is another file', () => 'name,tag\n', 'is not an undo file'],
    ['is other JSON', () => '{"schemaVersion":1}\n', 'is not an undo file'],
    ['is empty', () => '', 'is empty'],
    ['is newer', (text: string) => text.replace('"schemaVersion":1', '"schemaVersion":2'), 'schema version 2'],
    ['has text at its end', (text: string) => `${text}{}\n`, 'text follows'],
    ['has an invalid tag', (text: string) => text.replace('v1-soci', '../v1'), 'line 3 is not a manifest'],
  ])('is rejected if it %s', async (name, change, message) => {
    const path = await writeUndoFile(`${name.replaceAll(' ', '-')}.jsonl`);
    writeFileSync(path, change(readFileSync(path, 'utf8')));
    await expect(readUndoFile(path)).rejects.toMatchObject({
      code: 'UNDO_INVALID',
      message: expect.stringContaining(message),
    });
  });
});
