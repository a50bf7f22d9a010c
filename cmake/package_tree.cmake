# Run by cpack when the tree of a package is laid out and not yet packed: what belongs to a system and
# not to a folder of one's own, and what Debian asks of documents.
set(top ${CPACK_TEMPORARY_DIRECTORY})
set(from ${CPACK_KNEEPOINT_SOURCE})
set(documents ${top}/usr/share/doc/kneepoint)

# Not file(INSTALL), which would put DESTDIR before the place, and that is the tree already.
function(put file place)
  get_filename_component(folder ${place} DIRECTORY)
  file(MAKE_DIRECTORY ${folder})
  file(COPY_FILE ${file} ${place})
  file(CHMOD ${place} PERMISSIONS OWNER_READ OWNER_WRITE GROUP_READ WORLD_READ)
endfunction()

put(${from}/packaging/kneepoint.service ${top}/usr/lib/systemd/system/kneepoint.service)
put(${from}/packaging/kneepoint.default ${top}/etc/default/kneepoint)

# The licence is in copyright, by its name; of what is compiled in, as Debian's own packages say it.
file(REMOVE ${documents}/LICENSE)
put(${from}/packaging/copyright ${documents}/copyright)
put(${from}/docs/data-sources.md ${documents}/data-sources.md)
foreach(library libcli11-dev libeigen3-dev libexpected-dev libxxhash-dev)
  put(/usr/share/doc/${library}/copyright ${documents}/third-party/${library})
endforeach()
put(${from}/CHANGELOG.md ${documents}/changelog)
file(WRITE ${documents}/changelog.Debian
"kneepoint (${CPACK_PACKAGE_VERSION}-${CPACK_DEBIAN_PACKAGE_RELEASE}) unstable; urgency=medium

  * changelog.gz says what is new.

 -- ${CPACK_PACKAGE_CONTACT}  ${CPACK_KNEEPOINT_DATE}
")
file(CHMOD ${documents}/changelog.Debian PERMISSIONS OWNER_READ OWNER_WRITE GROUP_READ WORLD_READ)

# Packed without name and date, so that the same pages give the same bytes.
file(GLOB pages ${top}/usr/share/man/man1/*.1)
execute_process(COMMAND gzip -9nf ${pages} ${documents}/changelog ${documents}/changelog.Debian
                COMMAND_ERROR_IS_FATAL ANY)
