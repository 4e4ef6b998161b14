import { parseDocument, stringField } from '../document.ts';
import { OciError } from '../errors.ts';
import type { LayoutFiles } from './layout-files.ts';
import { readLayoutFile } from './layout-reader.ts';

/** The content of the file `oci-layout`. @see OCI image-spec v1.1, image-layout.md */
export const LAYOUT_MARK: Uint8Array = new TextEncoder().encode('{"imageLayoutVersion":"1.0.0"}');

/** Checks that `oci-layout` is there and names a version of the kind known here. @throws OciError `LAYOUT_INVALID` */
export async function checkLayoutVersion(files: LayoutFiles): Promise<void> {
  const document = parseDocument(await readLayoutFile(files, 'oci-layout'), `oci-layout in ${files.name}`);
  const version = stringField(document, 'imageLayoutVersion', 'oci-layout');
  if (!version.startsWith('1.')) {
    throw new OciError(
      'LAYOUT_INVALID',
      `${files.name} is an OCI image layout of version ${version}: only 1.x is known`,
    );
  }
}
