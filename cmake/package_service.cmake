# Run while a package is put together, at its root: what belongs to a system and not to a folder of
# one's own.
set(root ${CMAKE_CURRENT_LIST_DIR}/../packaging)
file(INSTALL ${root}/kneepoint.service DESTINATION ${CMAKE_INSTALL_PREFIX}/usr/lib/systemd/system
     PERMISSIONS OWNER_READ OWNER_WRITE GROUP_READ WORLD_READ)
file(INSTALL ${root}/kneepoint.default DESTINATION ${CMAKE_INSTALL_PREFIX}/etc/default RENAME kneepoint
     PERMISSIONS OWNER_READ OWNER_WRITE GROUP_READ WORLD_READ)
