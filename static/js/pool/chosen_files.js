// Files as a person chooses or drops them, each with its path: folders are walked.

/** Of an input: the path inside the chosen folder, or the name. */
export function chosenIn(input) {
  return [...input.files].map((file) => ({ path: file.webkitRelativePath || file.name, file }));
}

/** Of a drop: all files of all folders in it. To be called while the drop is handled; what it promises comes later. */
export function droppedIn(transfer) {
  const roots = [...transfer.items].map((item) => item.webkitGetAsEntry?.()).filter((entry) => entry);
  return Promise.all(roots.map(walk)).then((lists) => lists.flat());
}

async function walk(entry) {
  const path = entry.fullPath.replace(/^\/+/, "");
  if (entry.isFile) return [{ path, file: await new Promise((resolve, reject) => entry.file(resolve, reject)) }];
  const reader = entry.createReader();
  const files = [];
  for (;;) {
    const children = await new Promise((resolve, reject) => reader.readEntries(resolve, reject)); // a hundred at most
    if (!children.length) return files;
    for (const child of children) files.push(...(await walk(child)));
  }
}
