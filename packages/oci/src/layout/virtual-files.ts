import type { Descriptor } from '../descriptor.ts';
import { MEDIA_TYPE_OCI_IMAGE_INDEX } from '../media-types.ts';
import type { FileSection } from './file-section.ts';
import { blobPath, type LayoutFiles, OCI_LAYOUT_FILE } from './layout-files.ts';

/**
 * Presents images in another format as an OCI image layout, so that one reader reads all formats. `index.json` and
 * generated manifests are in memory. Blobs are sections of files.
 */
export class VirtualFiles implements LayoutFiles {
  readonly name: string;
  readonly #documents = new Map<string, Uint8Array>([['oci-layout', OCI_LAYOUT_FILE]]);
  readonly #openBlob: (path: string) => Promise<FileSection | undefined>;

  /**
   * @param name - Name of the images as the user gave it, for error messages.
   * @param roots - The entries of `index.json`.
   * @param openBlob - Opens a blob by its path in a layout.
   */
  constructor(
    name: string,
    roots: readonly Descriptor[],
    openBlob: (path: string) => Promise<FileSection | undefined>,
  ) {
    const index = { schemaVersion: 2, mediaType: MEDIA_TYPE_OCI_IMAGE_INDEX, manifests: roots };
    this.name = name;
    this.#documents.set('index.json', new TextEncoder().encode(JSON.stringify(index)));
    this.#openBlob = openBlob;
  }

  /** Adds a generated manifest. */
  add({ digest }: Descriptor, raw: Uint8Array): void {
    this.#documents.set(blobPath(digest), raw);
  }

  async open(path: string): Promise<FileSection | undefined> {
    const document = this.#documents.get(path);
    return document === undefined ? this.#openBlob(path) : sectionOf(document);
  }
}

/** Returns a section of bytes in memory. */
function sectionOf(bytes: Uint8Array): FileSection {
  const file: FileSection['file'] = {
    async read(buffer, offset, length, position) {
      const part = bytes.subarray(position, position + length);
      buffer.set(part, offset);
      return { bytesRead: part.length };
    },
  };
  return { file, start: 0, size: bytes.length, close: async () => {} };
}
