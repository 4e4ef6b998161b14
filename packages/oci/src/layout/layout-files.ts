import type { FileSpan } from './file-span.ts';

/** Where the files of a layout are: in a folder or in an archive. */
export interface LayoutFiles {
  /** What the user calls it, for error messages. */
  readonly name: string;
  /**
   * Opens a file by its path in the layout, such as `index.json`; undefined where there is none.
   *
   * @throws OciError where something stands under that path which is no plain file.
   */
  open(path: string): Promise<FileSpan | undefined>;
}
