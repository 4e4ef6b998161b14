import { realpath, stat } from 'node:fs/promises';
import { type Digest, parseDigest } from '../digest.ts';
import { hasSystemCode, messageOf, OciError, showValue } from '../errors.ts';
import { describeManifest } from '../manifest.ts';
import type { FileSection } from './file-section.ts';
import { blobPath, FolderFiles, readLayoutFile } from './layout-files.ts';
import { LayoutReader } from './layout-reader.ts';
import { VirtualFiles } from './virtual-files.ts';

/** A read-only store of the image in a directory. */
export type ImageDirectory = LayoutReader;

/** Content of the file `version`, without the number. */
const VERSION_PREFIX = 'Directory Transport Version: ';

/**
 * Opens an image in a directory in the format of skopeo's `dir:`. The file `manifest.json` is the manifest or image index.
 * The other files have the digest of their content as their name, without the algorithm: `HEX` for a blob,
 * `HEX.manifest.json` for a manifest in an image index. As in a layout, a blob is verified when it is read, and symbolic
 * links are not followed.
 *
 * @throws OciError `NOT_FOUND` if the directory does not exist, `LAYOUT_INVALID` if it has another format.
 * @see containers/image v5, directory/directory_transport.go
 */
export async function openImageDirectory(directory: string): Promise<ImageDirectory> {
  const root = await realpath(directory).catch((cause: unknown) => {
    if (hasSystemCode(cause, 'ENOENT'))
      throw new OciError('NOT_FOUND', `directory ${directory} does not exist`, { cause });
    throw new OciError('READ_FAILED', `cannot open ${directory}: ${messageOf(cause)}`, { cause });
  });
  if (!(await stat(root)).isDirectory()) throw new OciError('LAYOUT_INVALID', `${directory} is not a directory`);
  const files = new FolderFiles(root, directory);
  await checkFormat(files);
  const manifest = describeManifest(await readLayoutFile(files, 'manifest.json'));
  return new LayoutReader(
    new VirtualFiles(directory, [manifest], async (path) => {
      if (path === blobPath(manifest.digest)) return files.open('manifest.json');
      return openBlob(files, parseDigest(path.replace('blobs/', '').replace('/', ':')));
    }),
  );
}

async function openBlob(files: FolderFiles, { hex }: Digest): Promise<FileSection | undefined> {
  return (await files.open(hex)) ?? files.open(`${hex}.manifest.json`);
}

/** Checks that the directory has the files of the format, and a supported version if it has one. */
async function checkFormat(files: FolderFiles): Promise<void> {
  const isLayout = await exists(files, 'oci-layout');
  if (!(await exists(files, 'manifest.json'))) {
    const remedy = isLayout
      ? 'It is an OCI image layout. Read it as oci: (with openLayout in a program).'
      : 'Create it with "skopeo copy SOURCE dir:PATH".';
    throw new OciError('LAYOUT_INVALID', `${files.name} has no manifest.json. ${remedy}`);
  }
  if (!(await exists(files, 'version'))) return;
  const version = Buffer.from(await readLayoutFile(files, 'version'))
    .toString('latin1')
    .trim();
  if (!version.startsWith(`${VERSION_PREFIX}1.`)) {
    const message = `version in ${files.name} must be "${VERSION_PREFIX}1.1", found ${showValue(version)}`;
    throw new OciError('LAYOUT_INVALID', message);
  }
}

async function exists(files: FolderFiles, path: string): Promise<boolean> {
  const section = await files.open(path);
  await section?.close();
  return section !== undefined;
}
