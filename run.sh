export HOME=/tmp/mt TERM=xterm
script -q -e -c "mutt -n -F /dev/null -R -f /tmp/mt/box -e 'set confirmcreate=no confirmappend=no quit=yes' -e 'push \"<tag-pattern>~A<enter><tag-prefix><copy-message>/tmp/mt/copy<enter><exit>\"'" /dev/null </dev/null | tail -c 3000 | cat -v
