import { defineCommand } from '../command/command.ts';
import { GLOB_FORMS } from '../registry-jobs/registry-globs.ts';
import { GC_OPTIONS, runGc } from '../registry-jobs/run-gc.ts';

export const command = defineCommand({
  details: [
    'Finds SOCI-enabled images whose source image is gone, indexes that a moved tag left behind, and parts without an image. ' +
      'Only what carries the annotations of this program is garbage, unless --include-unmarked is given. Without --delete, ' +
      'nothing changes.',
    'A SOCI-enabled image can be deployed without its source image. After its deletion, its tag cannot be pulled. Therefore ' +
      '--delete needs the images in use; --in-use can be repeated. A digest in use protects an image, what it lists, and what lists it.',
    'A SOCI-enabled image that was copied without its source image is garbage, too, unless it is in use or has a tag that is not ' +
      'one of an index. --keep-copies keeps the images of repositories in which none has its source image.',
    'Before the first deletion, all manifests are in the undo file. --restore pushes them again, while the registry still has ' +
      'their blobs.',
  ],
  operands: [{ name: 'HOST/GLOB', help: GLOB_FORMS, repeated: true, optional: true }],
  options: GC_OPTIONS,
  examples: [
    { purpose: 'show the garbage of a registry', line: "gc 'registry.example/*'" },
    { purpose: 'delete it, except images of a list', line: "gc --delete --in-use running.txt 'registry.example/*'" },
    { purpose: 'undo the deletion', line: 'gc --restore soci-gc-undo.jsonl' },
  ],
  run: runGc,
});
