/**
 * Paths of configuration files and of the files that they name. Text only; touches no file.
 */

/** `path` as seen from `folder`; an absolute one stays. */
export function resolvePath(folder: string, path: string): string {
  if (isAbsolute(path)) return path;
  return folder.endsWith("/") ? folder + path : `${folder}/${path}`;
}

function isAbsolute(path: string): boolean {
  return path.startsWith("/") || /^[A-Za-z]:[\\/]/.test(path);
}

/** The folder that holds `path`: `/` for `/x`, `.` for `x`. */
export function folderOf(path: string): string {
  // A backslash is an ordinary character of a name, except behind a drive letter.
  const drive = /^[A-Za-z]:/.test(path);
  const slash = Math.max(path.lastIndexOf("/"), drive ? path.lastIndexOf("\\") : -1);
  if (slash < 0) return ".";
  return slash === 0 ? "/" : path.slice(0, slash);
}
